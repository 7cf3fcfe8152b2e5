# SPDX-License-Identifier: Apache-2.0
"""The words that stories are made of."""

GIRLS = """Anna Lily Mia Rosa Emma Clara Nora Ella Ruby Daisy Molly Lucy Sara Ivy Hannah Julia Maya
Alice Grace Sophie Tilda Mina Lena Eva Zoe Amy Kate Jane Wendy Nina Lola Freya Greta Heidi Ines
Leila Fatima Aisha Priya Mei Yuki Sana Carmen Elsa Olive Pearl Flora Stella Violet Poppy""".split()
BOYS = """Tom Ben Max Sam Leo Finn Oscar Jack Noah Theo Felix Hugo Milo Peter Paul Adam Simon David
Daniel Lucas Emil Anton Karl Otto Jonas Nils Omar Ali Hassan Ravi Arjun Kenji Taro Wei Mateo Diego
Luis Pablo Marco Nico Toby Harry Henry George Arthur Walter Eddie Charlie Billy Joe""".split()
PET_GIRLS = """Hazel Clover Bramble Rosie Honey Willow Maple Dotty Mimi Tilly Penny Sunny Luna Bella
Pippa Cinnamon Misty Ginger Juniper Dilly""".split()
PET_BOYS = """Pip Rusty Bruno Moss Nutmeg Biscuit Barley Acorn Oakley Sandy Buster Teddy Patch Thistle
Pepper Chip Bobbin Tuck Monty Dusty""".split()

# kind: (home, a quick way of moving, a loved food)
ANIMALS = {
    "fox": ("a cosy den under an oak tree", "trotted", "blackberries"),
    "rabbit": ("a warm burrow under the hill", "hopped", "carrots"),
    "bear": ("a dry cave behind the waterfall", "padded", "honey"),
    "mouse": ("a tiny house under the roots of a tree", "scurried", "cheese"),
    "hedgehog": ("a round nest of leaves under a hedge", "shuffled", "apples"),
    "squirrel": ("a hollow tree with a round door", "scampered", "nuts"),
    "owl": ("a tall old pine tree", "fluttered", "seed cake"),
    "duck": ("a nest among the reeds", "waddled", "oat bread"),
    "frog": ("a little house beside the pond", "hopped", "berry soup"),
    "turtle": ("a small house by the water", "plodded", "lettuce"),
    "cat": ("a house with a blue door", "padded", "warm milk"),
    "dog": ("a wooden house with a red roof", "trotted", "biscuits"),
    "puppy": ("a snug basket by the fire", "scampered", "biscuits"),
    "kitten": ("a soft basket by the window", "padded", "warm milk"),
    "lamb": ("a white barn", "skipped", "clover"),
    "goat": ("a stone barn on the slope", "trotted", "turnips"),
    "pony": ("a clean stable full of hay", "trotted", "apples"),
    "badger": ("a deep den with many rooms", "shuffled", "mushroom pie"),
    "otter": ("a snug den by the water", "scampered", "berry soup"),
    "beaver": ("a house of sticks in the stream", "waddled", "apple pie"),
    "mole": ("a tidy tunnel under the grass", "shuffled", "mushroom pie"),
    "deer": ("a quiet glade between the birches", "trotted", "clover"),
    "robin": ("a neat nest in the apple tree", "fluttered", "seed cake"),
    "hen": ("a little red barn", "waddled", "corn bread"),
    "pig": ("a tidy sty with fresh straw", "trotted", "turnips"),
    "donkey": ("an old stable by the road", "plodded", "carrots"),
    "bear cub": ("a dry cave on the hillside", "padded", "honey"),
    "penguin": ("a round house made of snow", "waddled", "warm soup"),
    "panda": ("a green house in the woods", "padded", "pancakes"),
    "monkey": ("a house in the branches of a tall tree", "scampered", "bananas"),
    "elephant": ("a big house with a very wide door", "plodded", "melons"),
    "hare": ("a soft hollow in the long grass", "hopped", "clover"),
}
CHILD_HOMES = ["a small cottage with a green door", "a tall house with a yellow roof",
               "a stone house beside the mill", "a white cottage with roses at the gate",
               "a little house at the end of the lane", "a wooden house with a big garden",
               "a room above the bakery", "a farmhouse with a crooked chimney"]
CHILD_FOODS = ["pancakes", "apple pie", "honey bread", "plum jam", "vegetable soup", "berry cake",
               "warm rolls", "oat biscuits", "cherry tart", "noodles"]

ADJECTIVES = ["little", "small", "young", "kind", "cheerful", "curious", "gentle", "shy", "clever",
              "happy", "quiet", "brave", "friendly", "busy", "playful", "careful", "merry", "lively",
              "polite", "thoughtful", "dreamy", "tiny"]
SIZES = ("little", "small", "young", "tiny")  # never "a little tiny"
HOBBIES = ["[singing|humming] songs", "collecting [round stones|shiny stones|feathers|pretty leaves]",
           "climbing trees", "drawing pictures", "telling stories", "watching the clouds",
           "counting the stars", "helping in the garden", "jumping over puddles", "making up games",
           "listening to the birds", "baking with {his} [mother|grandmother|father]", "exploring",
           "asking questions", "building little houses out of sticks", "dancing in the rain",
           "running through the tall grass", "learning new things", "whistling tunes",
           "looking for tracks in the mud", "sleeping late", "painting"]

# season: (weather adjectives, scenery sentences)
SEASONS = {
    "spring": (["bright", "fresh", "mild", "rainy", "breezy", "sunny"],
               ["The first flowers were opening[ along the path| in the grass|].",
                "The birds were building their nests[ and singing all day long|].",
                "Everything smelled of rain and new leaves.",
                "The apple trees were white with blossom.",
                "The snow was gone, and the streams were full."]),
    "summer": (["hot", "warm", "sunny", "golden", "long", "lazy"],
               ["The sun was shining, and [the bees were humming|butterflies danced over the flowers].",
                "The sky was blue, without a single cloud.",
                "The grass was tall and full of crickets.",
                "The air was warm and smelled of hay.",
                "Even the wind was too [sleepy|lazy] to blow."]),
    "autumn": (["windy", "misty", "golden", "cool", "grey", "crisp"],
               ["The leaves were turning [red and gold|yellow and brown].",
                "A cool wind blew [through the trees|over the fields].",
                "Apples and pears lay in the grass.",
                "The mist lay [softly |]over the fields.",
                "Brown leaves danced in the wind."]),
    "winter": (["cold", "snowy", "frosty", "white", "still", "icy"],
               ["Snow lay on [every roof and every branch|the roofs and the trees].",
                "The pond was frozen, and the air was clear and cold.",
                "Big white flakes were falling[ from the sky|].",
                "Everyone wore a warm scarf[ and thick mittens|].",
                "The whole world was white and quiet."]),
}

# place: (noun phrase with article, where it is said to be, spots as (the noun, prepositional phrase))
SETTINGS = [
    ("a [small|quiet|little|sleepy] village", "in the village",
     [("the well", "behind the well"), ("the bakery", "in front of the bakery"),
      ("the bridge", "under the bridge"), ("the mill", "beside the mill"),
      ("the church tower", "near the church tower"), ("the market", "in the market square"),
      ("the big chestnut tree", "under the big chestnut tree"), ("the school", "behind the school")]),
    ("a [big|deep|green|dark|quiet] forest", "in the forest",
     [("the fallen log", "behind the fallen log"), ("the oak tree", "under the oak tree"),
      ("the fern bank", "among the ferns"), ("the stream", "beside the stream"),
      ("the mossy rock", "on the mossy rock"), ("the blackberry bush", "under the blackberry bush"),
      ("the clearing", "in the clearing"), ("the hollow stump", "inside the hollow stump")]),
    ("a [small|busy|sunny|cheerful] farm", "on the farm",
     [("the barn", "behind the barn"), ("the haystack", "under the haystack"),
      ("the gate", "beside the gate"), ("the pond", "near the duck pond"),
      ("the orchard", "in the orchard"), ("the pumpkin patch", "in the pumpkin patch"),
      ("the old cart", "under the old cart"), ("the stable", "in the stable")]),
    ("a [little|windy|bright|friendly] town by the sea", "by the sea",
     [("the harbour", "in the harbour"), ("the lighthouse", "near the lighthouse"),
      ("the beach", "on the beach"), ("the blue boat", "under the blue boat"),
      ("the fish market", "behind the fish market"), ("the rocks", "between the rocks"),
      ("the pier", "at the end of the pier"), ("the sand dunes", "among the sand dunes")]),
    ("a [wide|green|sunny|peaceful] valley", "in the valley",
     [("the river", "beside the river"), ("the meadow", "in the meadow"),
      ("the stone wall", "behind the stone wall"), ("the willow tree", "under the willow tree"),
      ("the wooden bridge", "on the wooden bridge"), ("the rose bush", "under the rose bush"),
      ("the hill", "on top of the hill"), ("the mill pond", "near the mill pond")]),
    ("a [snug|tiny|lonely|pretty] village in the mountains", "in the mountains",
     [("the waterfall", "beside the waterfall"), ("the goat path", "along the goat path"),
      ("the pine trees", "under the pine trees"), ("the stone hut", "behind the stone hut"),
      ("the spring", "near the spring"), ("the big rock", "on the big rock"),
      ("the sheep field", "in the sheep field"), ("the cave", "in front of the cave")]),
    ("a [busy|noisy|merry|large] town", "in the town",
     [("the park", "in the park"), ("the fountain", "behind the fountain"),
      ("the toy shop", "in front of the toy shop"), ("the library", "beside the library"),
      ("the station", "at the station"), ("the bench", "under the green bench"),
      ("the clock tower", "near the clock tower"), ("the garden wall", "behind the garden wall")]),
]

# noun: (adjectives, use as infinitive, use as -ing form, fits in a pocket,
#        ways of breaking as (what happened, how it is mended, with what))
OBJECTS = {
    "kite": (["red", "yellow", "blue", "paper"], "fly it", "flying it", False,
             [("a sharp branch tore a hole in it", "sewed up the hole", "a needle and some thread"),
              ("the string snapped in two", "tied on a new string", "a strong piece of string")]),
    "ball": (["red", "striped", "green", "blue"], "bounce it", "bouncing it", False,
             [("a thorn made a hole in it", "put a patch over the hole", "a patch and some glue")]),
    "boat": (["wooden", "little white", "toy", "blue"], "sail it", "sailing it", False,
             [("the mast broke off", "glued the mast back on", "a pot of glue"),
              ("the sail tore", "sewed a new sail", "a needle and some thread")]),
    "drum": (["red", "little", "tin", "round"], "play it", "playing it", False,
             [("the skin of the drum split", "stretched a new skin over it", "some soft leather")]),
    "bell": (["silver", "brass", "tiny", "golden"], "ring it", "ringing it", True,
             [("the clapper fell out", "hung the clapper on a new hook", "a small hook")]),
    "lantern": (["paper", "green", "old", "yellow"], "light it", "lighting it", False,
                [("the handle came off", "fixed the handle on again", "a piece of wire"),
                 ("the glass cracked", "put in a new piece of glass", "a new piece of glass")]),
    "music box": (["little", "painted", "old", "blue"], "listen to it", "listening to it", False,
                  [("a spring jumped out of it", "put the spring back in its place",
                    "a tiny screwdriver")]),
    "flute": (["wooden", "silver", "little", "bamboo"], "play it", "playing it", True,
              [("it broke into two pieces", "joined the two pieces together", "some glue and a ring of brass")]),
    "hat": (["green", "straw", "woolly", "pointed"], "wear it", "wearing it", False,
            [("the brim came loose", "stitched the brim on again", "a needle and some thread")]),
    "scarf": (["long", "red", "striped", "warm"], "wear it", "wearing it", False,
              [("it caught on a nail and began to unravel", "knitted the end again",
                "two knitting needles")]),
    "toy train": (["red", "wooden", "shiny", "little"], "play with it", "playing with it", False,
                  [("one of its wheels came off", "put the wheel back on", "a hammer and a small nail")]),
    "cart": (["little", "wooden", "green", "two-wheeled"], "pull it", "pulling it", False,
             [("one of the wheels came off", "put the wheel back on", "a hammer and some nails")]),
    "book": (["thick", "old", "picture", "blue"], "read it", "reading it", False,
             [("some of the pages fell out", "sewed the pages in again", "a needle and some thread")]),
    "umbrella": (["yellow", "red", "big", "spotted"], "open it", "opening it", False,
                 [("the wind turned it inside out", "bent it straight again", "a piece of wire")]),
    "basket": (["round", "brown", "little", "straw"], "carry it", "carrying it", False,
               [("the handle broke", "wove a new handle", "some willow twigs")]),
    "teapot": (["blue", "white", "round", "flowered"], "look at it", "looking at it", False,
               [("the lid broke in two", "glued the lid together", "a pot of glue")]),
    "teddy": (["brown", "soft", "old", "one-eared"], "hug it", "hugging it", False,
              [("one of its arms came off", "sewed the arm on again", "a needle and some thread")]),
    "key": (["brass", "silver", "little", "old"], "hold it", "holding it", True, []),
    "button": (["golden", "pearl", "shiny", "red"], "look at it", "looking at it", True, []),
    "ring": (["silver", "glass", "tiny", "golden"], "wear it", "wearing it", True, []),
    "shell": (["pink", "white", "spiral", "shiny"], "listen to it", "listening to it", True, []),
    "marble": (["green", "blue", "glass", "round"], "roll it", "rolling it", True, []),
    "whistle": (["tin", "wooden", "silver", "little"], "blow it", "blowing it", True, []),
    "feather": (["white", "blue", "long", "spotted"], "look at it", "looking at it", True, []),
    "coin": (["old", "golden", "copper", "lucky"], "look at it", "looking at it", True, []),
    "compass": (["brass", "old", "little", "round"], "look at it", "looking at it", True,
                [("the needle got stuck", "set the needle free", "a drop of oil")]),
    "clock": (["wooden", "old", "round", "little"], "listen to it", "listening to it", False,
              [("it stopped ticking", "cleaned its little wheels", "a feather and a drop of oil")]),
    "mitten": (["red", "woolly", "blue", "soft"], "wear it", "wearing it", True,
               [("a hole came in the thumb", "knitted a new thumb", "some wool")]),
}

SURNAMES = ["Brown", "Potter", "Hill", "Green", "Wood", "Field", "Stone", "Lake", "Bell", "Rose",
            "Marsh", "Reed", "Frost", "Berry", "Plum", "Finch", "Holt", "Dale", "Rivers", "Moon"]
JOBS = ["baker", "miller", "gardener", "farmer", "tailor", "carpenter", "clockmaker", "shoemaker",
        "teacher", "beekeeper", "toymaker", "weaver", "blacksmith", "librarian", "doctor", "painter"]
ELDERS = ["badger", "owl", "tortoise", "goose", "bear", "goat", "hare", "toad"]

FOODS = [("cake", "[honey|berry|plum|carrot|lemon]"), ("pie", "[apple|cherry|pumpkin|pear]"),
         ("bread", "[fresh|warm|brown|sweet]"), ("soup", "[pea|onion|mushroom|carrot]"),
         ("biscuits", "[oat|ginger|nut|butter]"), ("jam", "[plum|berry|cherry|apricot]")]

# Words that bind sentences; used at the start of a beat.
THEN = "[Then|After that,|Soon|A little later,|Before long,]"
SUDDEN = "[Suddenly,|All at once,|Just then,|At that very moment,]"
FINALLY = "[At last,|Finally,|In the end,]"
SAID = "[said|said|answered|replied]"
