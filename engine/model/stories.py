#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes gentle children's stories from a grammar: the training text of the embedded model.

Every word in this file was written for heddle; no data set is copied or read. A story is made in
three steps: a cast and a setting are drawn (who, where, which season, which thing the story is
about), a plot skeleton lays out paragraphs of sentence templates, and the templates are expanded.
The cast is fixed for the whole story, so names, pronouns, objects and causes agree from the first
sentence to the last; everything else (wording, order, clauses, asides) is drawn anew.

Template language
    [a|b|c]   one of the alternatives, all equally likely; they may nest and may be empty
    {key}     a value of the story's cast; {Key} is the same with a capital first letter
    a~ word   "a" or "an", whichever the word that follows takes

Story number i of seed S depends on S and i alone, so a corpus may be cut or extended freely.

    python3 stories.py --seed 1 --count 3
"""

import argparse
import random
import re
import sys

SEPARATOR = "<|story|>"
MIN_WORDS, MAX_WORDS = 90, 200

# ---------------------------------------------------------------------------------------------
# Template expansion


def _parse(text, pos, depth):
    """Parse a template from text[pos:]; returns (list of alternatives, next position)."""
    alternatives, current, literal = [], [], []

    def flush():
        if literal:
            current.append("".join(literal))
            literal.clear()

    while pos < len(text):
        ch = text[pos]
        if ch == "[":
            flush()
            inner, pos = _parse(text, pos + 1, depth + 1)
            current.append(inner)
            continue
        if ch == "]":
            if depth == 0:
                raise ValueError("stray ']' in template: " + text)
            flush()
            alternatives.append(current)
            return alternatives, pos + 1
        if ch == "|" and depth > 0:
            flush()
            alternatives.append(current)
            current = []
            pos += 1
            continue
        if ch == "{":
            flush()
            end = text.index("}", pos)
            current.append((text[pos + 1:end],))
            pos = end + 1
            continue
        literal.append(ch)
        pos += 1
    if depth:
        raise ValueError("unclosed '[' in template: " + text)
    flush()
    return [current], pos


_PARSED = {}


def _value(key, rng, cast):
    """The text of one {key}. The first mention of a side character also says who it is."""
    name = key[0].lower() + key[1:]
    seen = cast["seen"]
    if name in ("fn", "fbare", "xn", "xplain"):
        who = name[0]
        value = cast[who + "n"]
        if name.endswith("plain"):  # in speech, where "his friend" would be wrong
            value = cast[who + "nk"]
        elif who not in seen and not name.endswith("bare"):
            value = cast[who + "intro"]
        seen.add(who)
    else:
        seen.add(name)
        value = cast[key] if key in cast else cast[name]
    if "[" in value or "{" in value:
        value = expand(value, rng, cast)
    return value if key in cast or key[0].islower() else value[0].upper() + value[1:]


def _emit(node, rng, cast, out):
    """Expand one parsed node (list of alternatives) into the list of strings `out`."""
    branch = node[0] if len(node) == 1 else node[int(rng.random() * len(node))]
    for part in branch:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, tuple):
            out.append(_value(part[0], rng, cast))
        else:
            _emit(part, rng, cast, out)


def expand(template, rng, cast):
    """Expand a template to text, drawing every choice from rng."""
    tree = _PARSED.get(template)
    if tree is None:
        tree = _PARSED[template] = _parse(template, 0, 0)[0]
    out = []
    _emit(tree, rng, cast, out)
    return "".join(out)


_ARTICLE = re.compile(r"\b([Aa])~ (\w+)")


def _article(match):
    word = match.group(2)
    vowel = word[0].lower() in "aeiou" and not word.startswith(("use", "one"))
    return match.group(1) + ("n " if vowel else " ") + word


def tidy(text):
    """Settle a/an, double spaces and sentence capitals after expansion."""
    text = _ARTICLE.sub(_article, text)
    text = re.sub(r" {2,}", " ", text).strip()
    text = re.sub(r" ([,.!?])", r"\1", text)
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------------------------------------
# Words

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

# ---------------------------------------------------------------------------------------------
# Cast


class Story:
    """One story in the making: its random stream, its cast and its paragraphs."""

    def __init__(self, rng):
        self.rng = rng
        self.cast = {"seen": set()}  # keys and side characters ("f", "x") mentioned so far
        self.used_names = set()
        self.paragraphs = [[]]
        self.season = rng.choice(list(SEASONS))
        weather, self.scenery = SEASONS[self.season]
        place, at, spots = rng.choice(SETTINGS)
        spots = rng.sample(spots, 4)
        c = self.cast
        c["season"], c["weather"] = self.season, rng.choice(weather)
        c["inplace"] = ("on " if at == "on the farm" else "in ") + place
        c["at"] = at
        for i, (noun, phrase) in enumerate(spots):
            c[f"spot{i}"], c[f"in{i}"] = noun, phrase
        c["scene"] = rng.choice(self.scenery)
        animals = rng.random() < 0.62
        self.animals = animals
        self.person("", animals)
        self.person("f", animals, avoid_gender=c["he"])
        self.person("x", animals)
        c["trait"] = rng.choice([a for a in ADJECTIVES if a not in SIZES])
        self.elder()
        self.thing()
        noun, adj = rng.choice(FOODS)
        adj = expand(adj, rng, c)
        c["food"] = adj + " " + noun
        c["bit"] = {"cake": "a slice of", "pie": "a piece of", "bread": "a piece of",
                    "soup": "a bowl of", "biscuits": "some of", "jam": "a spoonful of"}[noun]
        c["them"] = "them" if noun == "biscuits" else "it"
        c["mum"] = rng.choice(["mother", "father", "grandmother", "grandfather", "aunt", "uncle"])
        c["mhe"] = "he" if c["mum"] in ("father", "grandfather", "uncle") else "she"
        c["mhis"] = "his" if c["mhe"] == "he" else "her"

    def person(self, key, animal, avoid_gender=None):
        """Draw a character; keys are prefixed: n name, he/him/his, k kind, A adjective, home, go, dish."""
        rng, c = self.rng, self.cast
        girl = rng.random() < 0.5
        # Two characters of one gender make "he" hard to follow, so it is the rarer case.
        if avoid_gender and rng.random() < 0.6:
            girl = avoid_gender == "he"
        names = (PET_GIRLS if girl else PET_BOYS) if animal and rng.random() < 0.6 else (GIRLS if girl else BOYS)
        name = rng.choice([n for n in names if n not in self.used_names])
        self.used_names.add(name)
        if animal:
            kinds = [k for k in ANIMALS if k not in self.used_names]
            kind = rng.choice(kinds)
            self.used_names.add(kind)
            home, go, dish = ANIMALS[kind]
        else:
            kind, home, go = ("girl" if girl else "boy"), rng.choice(CHILD_HOMES), rng.choice(
                ["ran", "walked", "hurried", "skipped"])
            dish = rng.choice(CHILD_FOODS)
        c[key + "n"], c[key + "k"], c[key + "A"] = name, kind, rng.choice(ADJECTIVES)
        c[key + "he"], c[key + "him"], c[key + "his"] = (
            ("she", "her", "her") if girl else ("he", "him", "his"))
        c[key + "himself"] = "herself" if girl else "himself"
        c[key + "home"], c[key + "go"], c[key + "dish"] = home, go, dish
        # "Pip the fox" for animals, plain "Tom" for children: "Tom the boy" is no natural English.
        c[key + "nk"] = f"{name} the {kind}" if animal else name
        c[key + "intro"] = rng.choice([c[key + "nk"], c["his"] + " friend " + c[key + "nk"]]
                                      if animal else [f"{c['his']} friend {name}"])

    def elder(self):
        """Draw the grown-up who knows what to do: g full, gs short, ghe/ghis/ghim."""
        rng, c = self.rng, self.cast
        woman = rng.random() < 0.5
        title = ("Mrs. " if woman else "Mr. ") + rng.choice(SURNAMES)
        if self.animals and rng.random() < 0.6:
            kind = rng.choice([e for e in ELDERS if e not in self.used_names])
            c["g"], c["gs"] = f"the [old|wise old] {kind}", f"the old {kind}"
        elif rng.random() < 0.6:
            job = rng.choice(JOBS)
            c["g"], c["gs"] = f"{title} the {job}", title
        else:
            job = rng.choice(JOBS)
            c["g"], c["gs"] = f"the old {job}", f"the old {job}"
        c["ghe"], c["ghis"], c["ghim"] = ("she", "her", "her") if woman else ("he", "his", "him")

    def thing(self, breakable=False, pocket=None):
        """Draw the object of the story: o with adjective, on the bare noun, use, using, and its mending."""
        rng, c = self.rng, self.cast
        pool = [n for n, v in OBJECTS.items()
                if (not breakable or v[4]) and (pocket is None or v[3] == pocket)]
        noun = rng.choice(pool)
        adjs, use, using, small, breaks = OBJECTS[noun]
        c["on"], c["o"] = noun, rng.choice(adjs) + " " + noun
        c["use"], c["using"] = use, using
        self.small = small
        if breaks:
            c["broke"], c["fixed"], c["tools"] = rng.choice(breaks)

    # -- laying out -----------------------------------------------------------------------------

    def say(self, *templates):
        """Append sentences to the current paragraph."""
        for t in templates:
            text = expand(t, self.rng, self.cast)
            self.paragraphs[-1].append(text[0].upper() + text[1:])

    def maybe(self, template, p=0.5):
        if self.rng.random() < p:
            self.say(template)

    def one(self, *templates):
        """Append exactly one of the templates."""
        self.say(self.rng.choice(templates))

    def para(self, p=1.0):
        """Start a new paragraph (with probability p)."""
        if self.paragraphs[-1] and self.rng.random() < p:
            self.paragraphs.append([])

    def set(self, key, *values):
        """Fix one value of the cast for the rest of the story."""
        self.cast[key] = expand(self.rng.choice(values), self.rng, self.cast)
        return self.cast[key]

    def text(self):
        return "\n\n".join(tidy(" ".join(p)) for p in self.paragraphs if p)


# ---------------------------------------------------------------------------------------------
# Openings and endings shared by the plots


def opening(s):
    """Introduce the hero, in one of many first sentences; then perhaps more about place or season."""
    c = s.cast
    c["named"] = "[named|named|called]"
    kind = s.rng.random()
    if kind < 0.30:
        s.one("Once upon a time, there [was|lived] a~ {A} {k} {named} {n}.",
              "Once upon a time, there [was|lived] a~ {A} {k} {named} {n} who [lived in {home}|loved {hobby}].",
              "Once upon a time, {inplace}, there lived a~ {A} {k} {named} {n}.",
              "Once upon a time, a~ {A} {k} {named} {n} lived {inplace}.",
              "Once upon a time, there was a~ {k} {named} {n}. {He} was [very|always|a little] {trait}.")
    elif kind < 0.42:
        s.one("There was [once |]a~ {A} {k} {named} {n}[ who lived {inplace}| who lived in {home}|].",
              "There [once |]lived a~ {A} {k} {named} {n}[ {inplace}|].",
              "There was [once |]a~ {k} {named} {n} who was [very|always|a little] {trait}.")
    elif kind < 0.52:
        s.one("{Inplace}, there lived a~ {A} {k} {named} {n}.",
              "{Inplace} lived a~ {k} {named} {n}. {He} was [very|always|a little] {trait}.",
              "In {home}, there lived a~ {A} {k} {named} {n}.")
    elif kind < 0.62:
        s.one("{n} was a~ {A} {k}[ who lived {inplace}| who lived in {home}|].",
              "{n} was a~ {k} who loved {hobby}. {He} lived [{inplace}|in {home}].",
              "A~ {A} {k} {named} {n} lived [in {home}|{inplace}].")
    elif kind < 0.72:
        s.one("Long ago, {inplace}, there [was|lived] a~ {A} {k} {named} {n}.",
              "Many years ago, a~ {A} {k} {named} {n} lived [in {home}|{inplace}].",
              "[Far away|Not so far away], {inplace}, [there lived|lived] a~ {A} {k} {named} {n}.",
              "This is the story of a~ {A} {k} {named} {n}[ who lived {inplace}|].",
              "Let me tell you about {n}, a~ {A} {k} who lived [{inplace}|in {home}].")
    else:
        # These openings go straight to the day of the story.
        s.started = True
        s.one("One day, a~ {A} {k} {named} {n} was [out {in0}|playing {in0}|walking {at}|resting {in0}].",
              "One day, {nk} [woke up early|went for a walk {at}|was playing {in0}|was sitting {in0}].",
              "One {weather} {season} [day|morning|afternoon], a~ {A} {k} {named} {n} was [playing|out|sitting] {in0}.",
              "It was a~ {weather} {season} [day|morning|afternoon], and {nk} was [playing|walking|sitting] {in0}.",
              "Early one [morning|{season} morning], {nk} [woke up and stretched|looked out of the window|went outside].",
              "On a~ {weather} [day|morning|afternoon] in {season}, {nk} was [out|playing|sitting] {in0}.",
              "The {A} {k} [sat|lay|was playing] {in0}. {His} name was {n}.",
              "The {A} {k} {n} was [out {in0}|playing {in0}|walking {at}|looking for something to do]." if s.animals else
              "[Little|Young] {n} was [out {in0}|playing {in0}|walking {at}|looking for something to do].",
              "It was {season} {at}. {Nk} [was happy|could not sit still|had nothing to do].")
        s.maybe("{scene}", 0.45)
        s.maybe("{He} [was in a good mood|hummed a little tune|felt the [wind|sun] on {his} face|had the whole day to play].", 0.3)
        return
    s.started = False
    habits = ["Every day, {n} {go} [out to play|outside to play] {in0}.",
              "{His} favourite food was {dish}[, but {he} [liked|also liked] almost everything|].",
              "{He} lived with {his} {mum}.", "Everyone {at} knew {him}[ and liked {him}|]."]
    if "hobby" not in c["seen"]:  # never say the same thing twice
        habits += ["{He} loved {hobby}[ more than anything|].", "{He} loved {hobby} and {hobby2}.",
                   "More than anything, {he} loved {hobby}.", "Most of all, {he} [loved|liked] {hobby}.",
                   "{He} was always {hobby}[, even in the rain|]." if c["hobby"].startswith(("sing", "humm", "explor", "asking", "whistl", "draw", "telling", "climb")) else
                   "{He} loved {hobby}."]
    if "home" not in c["seen"]:
        habits += ["{He} lived with {his} {mum} in {home}.", "{His} home was {home}."]
    s.maybe(s.rng.choice(habits), 0.75)


def someday(s):
    """Text that moves from the introduction to the day of the story; ends before a clause."""
    if s.started:
        return s.rng.choice([THEN + " ", "After a while, ", "That day, ", "That afternoon, ",
                             "While {he} was there, "])
    return s.rng.choice(["One day, ", "One {weather} [day|morning|afternoon], ", "One {season} [day|morning|afternoon], ",
                         "One [morning|afternoon], ", "On a~ {weather} [day|morning] in {season}, ",
                         "Early one morning, "])


def closing(s, *lessons, happy=True):
    """A lesson of the plot's own or a general last line; happy is false where the day went badly."""
    s.para(0.5)
    if "f" not in s.cast["seen"]:
        lessons = [t for t in lessons if "{f" not in t and "{F" not in t]
    r = s.rng.random()
    if r < 0.62 or not happy or "f" not in s.cast["seen"]:
        s.one(*lessons)
        s.maybe("[That night|That evening], {n} [slept very well|fell asleep with a smile|went to bed tired and happy].", 0.3)
    else:
        s.one("That night, {n} [lay in bed and smiled|slept better than ever|dreamed of [the stars|a warm summer|flying]|fell asleep with a smile].",
              "{n} and {fn} [laughed all the way home|walked home hand in hand|were the best of friends from that day on]."
              if not s.animals else
              "{n} and {fn} [laughed all the way home|walked home side by side|were the best of friends from that day on].",
              "When the [moon|first star] came out, {n} was already [asleep|fast asleep]. It had been a [wonderful|long and happy|very good] day.",
              "And from that day on, {n} and {fn} [did everything together|met {in0} every day|were never lonely again].",
              "It was the best day {n} could remember.",
              "And whenever {n} [thought of that day|told this story], {he} [smiled|laughed|felt warm inside].")
        s.maybe(s.rng.choice(lessons), 0.25)
    s.maybe("The end.", 0.08)


def meet_friend(s, place=True):
    """First appearance of the friend, already known to the hero or just arriving."""
    s.one(SUDDEN + " {fn} came [along|by|down the path].",
          "{His} best friend, a~ {fA} {fk} {named} {fbare}, [came to see what was the matter|was close by].",
          THEN + " {he} met {fn}.",
          "{Fn} [was not far away|heard {him}|saw {him}][ and came running|].")


# ---------------------------------------------------------------------------------------------
# Plots. Each takes the Story and writes its paragraphs.


def plot_lost(s):
    c = s.cast
    s.thing(pocket=s.rng.random() < 0.6)
    opening(s)
    s.set("giver", "{his} {mum}", "{g}")
    s.one("{n} had a~ {o} that {giver} had given {him}[, and {he} took it everywhere|].",
          "{His} [dearest|favourite] thing [of all |]was a~ {o}. {He} loved {using}.",
          "{He} had a~ {o}, and {he} liked to {use} every day.")
    s.para(0.4)
    s.say(someday(s) + "[{n} saw that the {on} was gone|the {on} was gone|{n} could not find the {on}|{n} noticed that the {o} was missing].")
    s.one('"Oh no! Where is my {on}?" [cried {n}|{he} cried|{n} asked].',
          "{He} felt [very sad|so worried that {he} almost cried|a lump in {his} throat].",
          '"My {on}! I must find it," said {n}.')
    s.one("{He} looked {in1}, but there was only [a sleepy snail|an old boot|a pile of leaves|a busy beetle].",
          "First {he} looked {in1}. {n} found [an old boot|a long feather|two pebbles|a nutshell] there, but no {on}.",
          "{n} [searched|looked] {in1} and {in2}, but [the {on} was not there|found nothing].")
    s.para(0.7)
    meet_friend(s)
    s.one('"What is wrong?" asked {fn}. "I have lost my {on}," {SAID} {n}.',
          '"Why are you so sad?" asked {fn}. "I cannot find my {o}," said {n}.',
          '"Do not cry," said {fn}. "I will help you look for it."')
    s.one('"Think back," said {fn}. "Where did you have it last?"',
          '"Two can look better than one," said {fn}.',
          '"Let us look together," said {fn}[ kindly|].')
    s.one("{n} thought [hard|for a while]. Yesterday {he} had [played|rested|been] {in3}.",
          'Then {n} remembered. "I was {in3} yesterday!" {he} [said|cried].')
    s.one("They [ran|hurried] there as fast as they could, and there it was! The {o} lay {in3}.",
          "So they went to look {in3}. Something [shone|was lying] there. It was the {on}!",
          "Together they searched {in3}, and [soon |]{fn} held up the {on}.")
    s.para(0.4)
    s.one('"[You found it|Here it is]! Thank you[ so much|], {fn}!" [cried|said] {n}[ and jumped for joy|, and {he} hugged {his} friend|].',
          "{n} was so [happy|glad] that {he} [hugged {fn}|danced around {fn}|laughed out loud].")
    s.maybe("They spent the rest of the day {using} together." if c["on"] in ("kite", "ball", "boat", "drum", "flute", "toy train", "cart", "marble") else
            "They spent the rest of the day playing together.", 0.4)
    closing(s, "From that day on, {n} always [took good care of the {on}|put the {on} away before going out to play].",
            "{n} had learned that a lost thing is easier to find with a friend.",
            "And {n} never forgot [how {fn} had helped {him}|to look after {his} things].")


def plot_sharing(s):
    opening(s)
    s.say(someday(s) + "{his} {mum} [gave {him}|baked {him}|brought {him}] [a basket with|some] {food}.")
    s.one("It [smelled|looked] so good that {n} wanted to eat all of it {himself}.",
          '"This is all for me," thought {n}[, and {he} sat down {in1}|].',
          "{n} was very hungry, so {he} sat down {in1} to eat.")
    s.para(0.6)
    s.one("Just then, {fn} came by. {Fhe} had not eaten [all day|since the morning].",
          "But {in2} {he} saw {fn}, who looked [hungry and tired|cold and hungry|very sad].",
          SUDDEN + " {he} heard a small voice. It was {fn}, who [was very hungry|had nothing to eat].")
    s.one('"That smells [lovely|so good]," said {fn}[ softly|]. "May I have a little?"',
          '"I had [no breakfast|nothing to eat] today," said {fn}[ sadly|].',
          '"What do you have there?" asked {fn}. {Fhis} tummy rumbled.')
    s.one("At first, {n} [did not want to share|held the food tight|looked away]. Then {he} saw how [sad|thin|tired] {fn} was.",
          "{n} looked at the {food}. There was not much, but {he} knew what it was like to be hungry.",
          "{n} thought for a moment. It would be sad to eat alone[ while a friend was hungry|].")
    s.one('"Come and sit with me," said {n}. "{Bit} {food} for you, and the rest for me."'
          if s.cast["bit"] != "some of" else '"Come and sit with me," said {n}. "Half of them for you, and half of them for me."',
          '"Here, have half of {them}," said {n}.',
          "So {n} [cut|made] two [equal |]parts and gave the bigger one to {fn}."
          if s.cast["bit"] not in ("a bowl of", "a spoonful of", "some of") else
          "So {n} gave half of {them} to {fn}.")
    s.one("They ate together, and [it tasted better than ever|somehow it tasted twice as good].",
          "The two [friends |]sat side by side and ate until [nothing was left|every crumb was gone].")
    s.maybe('"Thank you," said {fn}. "You are [very kind|a good friend]."', 0.6)
    s.para(0.8)
    s.one("The next [day|week], it was {n} who [was hungry|had forgotten {his} lunch].",
          "A few days later, {n} was far from home and had nothing to eat.",
          "Some time later, {n} had [lost {his} lunch|left {his} lunch at home].")
    s.one('Then {fn} came [along |]with [a bag|a basket] of {fdish}. "Now it is my turn to share," {fhe} said[ with a smile|].',
          '{Fn} [came up to {him}|smiled] and said, "You shared with me. Today I will share my {fdish} with you."')
    closing(s, "{n} learned that [what you give comes back to you|sharing makes everything taste better|there is always enough for two].",
            "From that day on, the two [friends |]always shared [their food|everything|what they had].",
            "And so they both had enough, and a friend as well.")


STUCK = [
    # (who, where stuck, how it calls, tool and what the hero does, fear)
    ("a [small|white|tiny] kitten", "at the top of a tall tree", "was too scared to climb down", "mewing",
     "climbed from branch to branch until {he} reached the kitten", "high places", "kitten"),
    ("a [little|woolly] lamb", "in the deep mud", "could not pull out its legs", "crying",
     "laid a long board over the mud and pulled the lamb out", "mud and deep water", "lamb"),
    ("a [fluffy|yellow] duckling", "on a rock in the middle of the stream", "could not get back to its mother", "peeping",
     "stepped from stone to stone and carried the duckling back", "cold water", "duckling"),
    ("a [tiny|brown] bird", "in a thorn bush", "could not free its wing", "chirping",
     "pushed the thorns aside and set the bird free", "sharp thorns", "bird"),
    ("a [young|little] goat", "on a narrow ledge", "did not dare to move", "bleating",
     "crept along the ledge and led the goat back, step by step", "high places", "little goat"),
    ("a [small|frightened] puppy", "in a dark hole", "could not get out", "whining",
     "let down a rope, climbed into the hole and lifted the puppy out", "the dark", "puppy"),
    ("a [small|lost] calf", "behind a broken fence", "could not find the way out", "calling",
     "lifted the heavy boards one by one until the calf could walk out", "big animals", "calf"),
]


def plot_brave(s):
    c = s.cast
    who, where, state, cry, deed, fear, noun = s.rng.choice(STUCK)
    c["who"], c["where"], c["state"], c["cry"] = expand(who, s.rng, c), where, state, cry
    c["deed"], c["fear"], c["it"] = expand(deed, s.rng, c), fear, noun
    opening(s)
    s.one("{n} was [a little |]afraid of {fear}, [and the others sometimes laughed at {him}|but {he} never told anyone].",
          "There was only one thing {he} did not like: {fear}.",
          "But {n} was afraid of {fear}.")
    s.para(0.4)
    s.say(someday(s) + "{he} heard [a sad sound|somebody {cry}|something {cry}].")
    s.one("{He} [looked around|followed the sound] and saw {who} {where}. It {state}.",
          "It came from {spot1}. There was {who} {where}, and it {state}.",
          "It was {who}, stuck {where}. It {state}.")
    s.para(0.5)
    s.one("{n} wanted to [run|call] for help, but [nobody was near|there was no time].",
          "{n} called for {fn}, but {fn} was too far away.",
          "{Fn} came [running|too], but {fhe} was too [big|small|scared] to help.")
    s.one("{His} heart beat fast. {His} knees [shook|trembled].",
          "{n} felt {his} heart beat[ like a drum|]. {He} was very scared.",
          "{n} looked at the {it}, and the {it} looked at {him}[ with big eyes|].")
    s.one('"I am afraid," thought {n}, "but the {it} is even more afraid."',
          '"I can do this," {he} [whispered|told {himself}]. "One step at a time."',
          '"Do not worry, I am coming," {he} called[ in a shaking voice|].')
    s.one("{n} took a deep breath. Slowly and carefully, {he} {deed}.",
          "Then {n} [closed {his} eyes for a moment|counted to three], and {he} {deed}.",
          "Bit by bit, {he} {deed}.")
    s.para(0.5)
    s.one("The {it} was safe[ at last|]! It [touched {his} nose|pressed itself against {him}|looked at {him} gratefully].",
          "The {it} [was not hurt|was safe], and it [jumped around happily|ran straight to its mother].")
    s.one('"You are [so |very |]brave!" [said|cried] {fn}. "I was scared the whole time," {SAID} {n}.',
          '"Were you not afraid?" asked {fn}. "Yes, I was," {SAID} {n}, "but I did it anyway."',
          "When {g} heard about it, {ghe} said, \"That was [very brave|well done], {n}.\"",
          "Everyone {at} [clapped|cheered] when they heard [about it|what {n} had done].")
    closing(s, "{n} had learned that being brave does not mean that you are never afraid.",
            "From that day on, {n} was no longer [so |]afraid of {fear}.",
            "After that, nobody laughed at {n} [again|any more].",
            "And the {it} [came to visit {him} every day|became {his} friend].")


def plot_mended(s):
    s.thing(breakable=True)
    c = s.cast
    s.set("owner", c["fn"], "{his} {mum}", "{g}")
    own = c["owner"]
    c["owner_s"] = c["gs"] if own.startswith(("Mr", "Mrs", "the ")) else own
    if own == c["fn"]:
        c["ohe"], c["ohim"], own = c["fhe"], c["fhim"], "{fn}"
        c["owner"], c["owner_s"] = own, own
    elif own.endswith(c["mum"]):
        c["ohe"], c["ohim"] = c["mhe"], "him" if c["mhe"] == "he" else "her"
    else:
        c["ohe"], c["ohim"] = c["ghe"], c["ghim"]
    opening(s)
    s.say(someday(s) + "{owner} [let {him} play with|lent {him}|showed {him}] a [beautiful|lovely|very old] {on}. It was [a~ {o}|the finest {on} {at}]." if s.rng.random() < 0.35 else
          someday(s) + "{owner} [let {him} play with|lent {him}|showed {him}] a~ {o}.")
    s.one('"Please be careful with it," said {owner_s}. "I will," [promised {n}|said {n}].',
          "{n} was very happy, and {he} began to {use} at once." if c["use"] not in ("look at it", "hold it") else
          "{n} was very happy, and {he} looked at it from all sides.",
          "{n} had never seen such a fine {on}.")
    s.para(0.5)
    s.one("But {n} [was not careful|was too wild|did not look where {he} was going], and {broke}.",
          "But while {he} was {using}, [something went wrong:|something happened:] {broke}.",
          "Then {n} tripped over [a root|a stone|{his} own feet], and {broke}.")
    s.one('"Oh dear," [whispered|said] {n}. "What shall I do now?"',
          "{n} [stood very still|turned pale]. {His} eyes filled with tears.",
          "{n} felt [terrible|very sorry].")
    s.one("First {he} wanted to hide the {on} {in1}. But that [would not be honest|did not feel right].",
          "{He} thought about [running away|hiding it {in1}|saying nothing]. But {he} knew that {he} had to tell the truth.")
    s.para(0.5)
    s.one('So {he} went to {owner_s} and said, "I am [so |very |]sorry. I [broke|have broken] your {on}."',
          'So {he} took the {on} to {owner_s} and told {ohim} everything.')
    s.one('{owner_s} was [quiet|sad] for a moment. Then {ohe} smiled. "Thank you for telling me the truth," {ohe} said.',
          '"I am not angry," said {owner_s}. "Broken things can be mended."',
          '"It is good that you told me," said {owner_s}. "Let us see what we can do."')
    if own != c["g"] and s.rng.random() < 0.6:
        s.one("They [went|walked] to {g}, who knew how to mend [almost |]everything.",
              "Together they took it to {g}.")
        s.one("{gs} took {tools} and {fixed}. {n} [held the lamp|watched closely|helped].",
              "With {tools}, {gs} {fixed}[, and {n} helped|].")
    else:
        s.one("They [found|fetched] {tools}, and together they {fixed}.",
              "{Ohe} took {tools}, and {n} helped. Carefully, they {fixed}.")
    s.one("[Soon|Before long,] the {on} was as good as new.",
          "When they were done, the {on} was [as good as new|even better than before].")
    closing(s, "{n} had learned that it is [always |]best to tell the truth.",
            "From then on, {n} was [much more |very ]careful with other people's things.",
            "A broken {on} can be mended, and so can a sad heart.",
            '"The truth is [the best tool of all|like glue]," said {owner_s}[, and {ohe} laughed|].', happy=False)


OBSTACLES = [
    ("a wide river without a bridge", ["a friendly swan", "an old ferryman"], "took {him} across"),
    ("a high wall of rocks", ["a mountain goat", "a shepherd"], "showed {him} a hidden path"),
    ("a dark wood where all the paths looked the same", ["a grey owl", "a firefly"], "showed {him} the way"),
    ("a fallen tree across the road", ["two strong beavers", "a woodcutter"], "cleared the road for {him}"),
    ("a thick fog", ["a white goose", "a lamp boy"], "led {him} through it"),
    ("a broken bridge", ["a big brown horse", "a carpenter"], "helped {him} over to the other side"),
    ("a steep hill covered with ice", ["a strong ram", "an old hunter"], "pulled {him} up to the top"),
]

PEOPLE = ("ferryman", "shepherd", "woodcutter", "boy", "carpenter", "hunter")  # helpers who are "he"


def plot_journey(s):
    c = s.cast
    c["kin"] = s.rng.choice([k for k in ("grandmother", "grandfather", "aunt", "uncle", "cousin")])
    c["khe"] = s.rng.choice(["he", "she"]) if c["kin"] == "cousin" else (
        "she" if c["kin"] in ("grandmother", "aunt") else "he")
    c["khis"], c["khim"] = ("her", "her") if c["khe"] == "she" else ("his", "him")
    s.set("gift", "some {food}", "a basket of [apples|plums|flowers|eggs]", "a bottle of medicine", "a warm blanket", "a letter", "a jar of honey")
    c["gift_the"] = re.sub("^(an?|some) ", "the ", c["gift"])
    s.set("dest", "on the other side of [the hills|the valley|the forest]", "[far away |]beyond the river",
          "at the foot of the [blue|high] mountain", "in a hut by the sea")
    opening(s)
    s.say(someday(s) + "[news came that {his} {kin} was ill|{n} heard that {his} {kin} was ill|{his} {mum} told {him} that {his} {kin} was ill]. "
          "{His} {kin} lived {dest}.")
    s.one('"I will bring {khim} {gift}," said {n}.',
          "So {n} [packed|took] {gift} and set off[ at once|].",
          '"Could you bring {khim} {gift}?" asked {his} {mum}. "Of course," {SAID} {n}.')
    s.maybe("The way was [long|far], but {n} [sang a song to keep {his} spirits up|was not afraid|walked quickly].", 0.5)
    s.para(0.7)
    for i, (what, helpers, act) in enumerate(s.rng.sample(OBSTACLES, s.rng.choice([1, 2, 2]))):
        helper = s.rng.choice(helpers)
        c["what"], c["helper"], c["act"] = what, helper, expand(act, s.rng, c)
        c["helper_he"] = "he" if helper.split()[-1] in PEOPLE else "it"
        c["what_the"] = re.sub("^an? ", "the ", what)
        c["helper_the"] = re.sub(r"^(an?|two) ", "the ", helper)
        if i == 0:
            s.one("After a while, {he} came to {what}.", "[First|Soon], {n} came to {what}.",
                  "{n} had not gone far when {he} came to {what}.")
        else:
            s.one("Later, {he} came to {what}.", "Then there was {what}.",
                  "Soon after, {n} came to {what}.")
        s.one('"[How can I go on|What shall I do] now?" {he} [thought|wondered]. But {helper} {act}.',
              "{Helper} saw {him} and asked where {he} was going. When {helper_the} heard about {his} {kin}, {helper_he} {act}."
              if not helper.startswith("two") else
              "{Helper} saw {him}, and when they heard about {his} {kin}, they {act}.",
              "{n} almost turned back. Luckily, {helper} came along and {act}.")
        s.maybe('"Thank you," said {n}[, and {he} gave {helper_the} [an apple|a smile|a piece of bread]|].', 0.4)
    s.para(0.7)
    s.one("When the sun went down, {n} [reached|stood in front of] the house of {his} {kin}.",
          FINALLY + " {n} saw the [little |]house. There was a light in the window.",
          "It was almost dark when {n} knocked at the door.")
    s.one('"You came all this way for me?" asked {his} {kin}. {Khis} eyes [shone|were bright].',
          "{His} {kin} was so glad to see {him} that {khe} [felt better at once|laughed and cried at the same time].",
          "{n} gave {his} {kin} {gift_the}, [and they sat by the fire together|and soon {khe} felt better].")
    s.maybe("{n} told {khim} about {what_the} and about {helper_the}.", 0.5)
    closing(s, "{n} had learned that even a long way is made of small steps.",
            "And so {n} learned that there are kind [hearts|helpers] on every road.",
            "[After a week|After a few days], {his} {kin} was well again, and {n} went home with [a happy heart|many stories to tell].")


def plot_surprise(s):
    c = s.cast
    s.set("party", "cake with [six|seven|eight] candles", "big {food_c} cake", "table full of cakes")
    opening(s)
    s.say(("[That day was|It was] {his} birthday[, and {he} was very excited|]." if s.started else
           "[One day|One {season} day|At last], it was {his} birthday[, and {he} was very excited|]."))
    s.one("But when {he} met {fn}, {fn} only said, \"[I am busy|I have no time] today,\" and [ran away|hurried off].",
          "{He} {go} to see {fn}, but {fn} [was not at home|had no time to play].",
          "{n} waited for {fn}, but [nobody came|{fn} did not come].")
    s.one("{Xn} was busy too. {Xhe} [hid something behind {xhis} back|quickly closed the door|whispered and looked away].",
          "{n} met {xn} {in1}, but {xn} [just waved and went on|did not stop to talk].",
          "Then {he} saw {xn}, who [carried a big box|had flour on {xhis} nose] and [would not say why|hurried past].")
    s.para(0.5)
    s.one('"[Everyone|Everybody] has forgotten [me|my birthday]," thought {n}[ sadly|].',
          "{n} [sat down {in2} and sighed|felt very lonely]. Nobody had remembered {his} birthday.",
          "A tear rolled down {his} [nose|cheek]. Had [all {his} friends|they all] forgotten {him}?")
    s.one("{n} played alone until [the sun went down|it was almost evening].", "The day felt [very |so ]long.",
          "{He} tried to play alone, but it was no fun.")
    s.para(0.6)
    s.one("In the evening, there was a knock at the door. It was {fn}. \"Come with me,\" {fhe} said, \"quickly!\" {n} followed {fhim}[ through the dark garden| to {spot3}|].",
          "When {he} came home, [it was dark and very quiet|no light was on]. {He} opened the door.",
          "Then a note came. It said, \"Please come to {spot3}.\" {n} {go} there[ slowly|].")
    s.one('"Surprise!" [shouted|cried] {fn} and {xn}[ and everyone else|]. There was a {party}[ and a lot of [balloons|paper lanterns|flowers]|].',
          "All at once, lights went on everywhere. \"Happy birthday, {n}!\" [shouted|called] {fn} and {xn}. There was a {party}.")
    s.one('"We were getting everything ready," said {fn}. "That is why we had no time."',
          '"We wanted it to be a secret," said {xn}.',
          '"Did you think we forgot?" asked {fn}. "We could never forget you!"')
    s.one("Then {fn} gave {him} a present. It was a~ {o}!",
          "{n} [laughed|smiled] and did not know what to say.",
          "They [danced|sang|played] until [the moon was high|late at night].")
    closing(s, "It was the [best|nicest] birthday {n} had ever had.",
            "{n} had learned that [good friends do not forget|true friends never forget].",
            "And {n} was never sad about a secret again.")


def plot_storm(s):
    c = s.cast
    s.set("storm", "storm", "snowstorm" if s.season == "winter" else "thunderstorm", "storm")
    c["tail"] = "the snow whirled around the house" if s.season == "winter" else "the rain beat against the window"
    opening(s)
    s.say(someday(s) + "[dark clouds came over the hills|the sky grew dark|the wind began to blow|a cold wind came up].")
    s.one('"A {storm} is coming," said {g}. "[Go home|Stay inside], all of you!"',
          "{n} [ran|hurried] home and shut the door[ tightly|].",
          "Everyone hurried home. {n} [closed the windows|lit a lamp|made a fire].")
    s.one("The wind [howled|roared], and {tail}.", "Soon {tail}, and the trees [bent|groaned].",
          "Then the storm [was there|broke]. {Tail}." if s.season != "winter" else "Then the storm was there. {Tail}.")
    s.para(0.6)
    s.one("Then {n} heard a knock at the door. {Fn} stood outside, [wet|cold] and [shivering|tired].",
          SUDDEN + " somebody called for help. It was {fn}. The wind had [blown the roof off {fhis} house|broken {fhis} door].",
          "Through the window {he} saw {fn}, who was [lost|hiding under a tree]. {n} ran out and called {fhim}.")
    s.one('"Come in, come in!" said {n}. "There is room [for you|for two|for everyone]."',
          '"May I stay here tonight?" asked {fn}. "Of course," {SAID} {n}.',
          '"Quick, come inside," said {n}, [and {he} gave {fhim} a warm blanket|and {he} pulled {fhim} through the door].')
    s.one("A little later, {xn} came too. It was [a tight fit|getting crowded], but nobody minded.",
          "Then {xn} knocked as well, and soon three friends sat [by the fire|close together].",
          "{n} made {food}, and they [ate|sat] close together."
          if "soup" in c["food"] else "{n} brought {food}, and they [ate|sat] close together.")
    s.maybe("[When the wind howled|When a branch broke outside|At every loud noise], {fn} [jumped|trembled|hid under the blanket]. \"[Do not be afraid|It is only the wind],\" said {n}. \"We are together.\"", 0.7)
    s.one("They told stories until [they fell asleep|late at night].",
          "To forget the storm, they sang [every song they knew|funny songs].",
          "{n} told [a funny story|a long story], and soon nobody thought of the storm.")
    s.para(0.7)
    s.one("In the morning, the storm was over. [The sky was blue|The sun came out|A rainbow stood over the hills|The air was fresh and clear]." if s.season != "winter" else
          "In the morning, the storm was over. [The sky was blue|The sun came out|The snow glittered in the sun].")
    s.one("They all went out to mend what the storm had broken.", "Together they helped {fn} to mend {fhis} house.",
          '"Thank you for [letting us in|the warm place]," said {fn}.')
    closing(s, "{n} had learned that a small house is big enough for good friends.",
            "After that, nobody {at} was afraid of storms any more.",
            "A storm is not so bad when you are not alone.")


def plot_race(s):
    c = s.cast
    s.set("race", "race around {spot1}", "race to {spot1}", "big race", "race from {spot1} to {spot2}")
    s.set("prize", "a [golden|silver] cup", "a basket of {dish}", "a blue ribbon", "a~ {o}")
    opening(s)
    s.say(someday(s) + "[there was to be|{g} told everyone about|they held] a {race}. The [prize|winner's prize] was {prize}.")
    s.one('"I will win," said {fn}[ proudly|]. "Nobody is as fast as I am."',
          "{Fn} was the fastest {at}, and {fhe} [knew it|told everyone so].",
          "{n} wanted to win[ very much|], but {fn} was faster.")
    s.one("{n} practised every day, [in sun and in rain|from morning to evening].",
          '"I am not very fast," {SAID} {n}, "but I will do my best."', "{n} said nothing and tied {his} shoes." if not s.animals else "{n} said nothing and went to the start.")
    s.para(0.5)
    s.one('"Ready, steady, go!" called {g}, and [off they went|they all ran off].',
          "{g} waved a flag, and the race began.")
    way = s.rng.random()
    if way < 0.5:
        s.one("{Fn} was far ahead. But {in2} {fhe} [slipped and fell|stepped on a stone and fell|hurt {fhis} foot].",
              "Halfway through the race, {fn} [fell|tripped over a root] and could not get up.")
        s.one("{n} could have run past {fhim} and won. But {he} stopped.",
              "Now {n} could win! But when {he} saw {fn} on the ground, {he} stopped at once.",
              "The others ran on, but {n} stopped.")
        s.one('"Are you hurt?" asked {n}. "My foot hurts," said {fn}[ with tears in {fhis} eyes|].',
              '"Lean on me," said {n}. "We will go together."', '"You will lose the race," said {fn}. "That does not matter," said {n}.')
        s.one("Arm in arm, they walked to the finish. {Xn} had won long before." if not s.animals else
              "Side by side, they walked to the finish. {Xn} had won long before.",
              "Slowly, they went on together and came in last.")
        s.para(0.5)
        s.one("But everyone clapped [for them|loudest for {n}]. \"[A good friend is worth more than a prize|You are the real winner],\" said {gs}.",
              '"I was too proud," said {fn}. "[Thank you for helping me|You are a true friend]."')
        lessons = ["{n} did not win the race, but {he} won a friend.",
                   "{n} had learned that helping is better than winning.",
                   "After that, {n} and {fn} [ran every race together|practised together every day]."]
    else:
        s.one("{Fn} ran so fast that {fhe} was soon far ahead. \"I have plenty of time,\" {fhe} thought, and {fhe} [sat down {in2}|lay down {in2} to sleep|stopped to eat some {fdish}].",
              "Soon {fn} was so far ahead that {fhe} stopped {in2} to [rest|play|look at the clouds].")
        s.one("But {n} kept going, step by step.", "{n} was slower, but {he} did not stop.",
              "{n} did not look left or right. {He} just [ran|went] on and on.")
        s.one("When {fn} looked up, {n} was almost [at the finish|there]. {Fn} ran as fast as {fhe} could, but it was too late.",
              "When {fn} saw {n} [go by|pass by], {fhe} jumped up and ran, but {fhe} was too late.")
        s.para(0.5)
        s.one('{n} had won! "[How did you do that|How can that be]?" asked {fn}. "I just kept going," {SAID} {n}.',
              "Everyone cheered, and {n} got {prize}. \"[Well done|You did it], {n}!\" said {gs}.")
        s.maybe("{n} shared the prize with {fn}, because {he} did not like to see {fhim} sad." if "basket" in c["prize"] else
                "{Fn} was sad at first, but then {fhe} shook {his} hand." if not s.animals else
                "{Fn} was sad at first, but then {fhe} laughed too.", 0.5)
        lessons = ["{n} had learned that slow and steady is often enough.",
                   "And {fn} never [laughed at|boasted in front of] the others again.",
                   "If you do not give up, you can go a long way."]
    closing(s, *lessons)


def plot_secret(s):
    c = s.cast
    what, hatch = s.rng.choice([
        ("a~ [white|blue|spotted|speckled] egg", "duckling"), ("a~ [white|big|smooth] egg", "gosling"),
        ("a~ [tiny|blue|speckled] egg", "little bird"), ("a~ [green|strange|silver] egg", "tiny dragon"),
        ("a~ [round|golden|shiny] egg", "baby turtle")])
    c["what"], c["hatch"] = expand(what, s.rng, c), hatch
    opening(s)
    s.say(someday(s) + "{n} found {what} {in1}. It was [still warm|all alone|cold].")
    s.one('"Where is your mother?" asked {n}, but the egg did not answer.',
          "{He} looked for a nest, but there was none.", "{n} waited for a long time, but nobody came for it.")
    s.one("So {he} [wrapped the egg in {his} scarf|put the egg into a soft box] and took it home.",
          "{He} carried it home and laid it in a warm place[ near the stove|].")
    s.one("{He} told nobody. It was {his} secret.", "It was a secret, [and {n} told no one|and nobody was to know].")
    s.para(0.5)
    s.one("But a secret is hard to keep. {Fn} asked, \"Why do you [never come out to play|smile all the time|run home so early]?\"",
          "After three days, {fn} came to visit. \"What are you hiding?\" {fhe} asked.",
          "Every day {fn} asked {him} to come out and play, but {n} [shook {his} head|always said no].")
    s.one('{n} thought for a while. "Can you keep a secret?" {he} asked. {Fn} nodded.',
          '"I will show you," said {n}, "but you must be very quiet."')
    s.one("{n} showed {fhim} the egg. {Fn} [held {fhis} breath|opened {fhis} eyes wide].",
          'When {fn} saw the egg, {fhe} whispered, "How beautiful!"')
    s.one("From then on, they kept it warm together.", "Now they took turns [looking after the egg|keeping it warm].")
    s.para(0.6)
    s.one("One night, there was a small [noise|sound]. Crack! Out came a {hatch}.",
          SUDDEN + " the egg began to [move|shake]. Crack, crack! A {hatch} looked out.",
          "Then one morning, the egg broke open, and a {hatch} climbed out.")
    s.one('"Hello, little one," whispered {n}.', "It [looked at them|blinked] and said, \"Peep!\"",
          "It thought that {n} was its mother[, and it followed {him} everywhere|].")
    s.maybe('"What shall we call it?" asked {fn}. "[Star|Sunny|Button|Pebble|Lucky|Crumb]," {SAID} {n}.', 0.6)
    closing(s, "{n} had learned that a secret is twice as nice when you share it with a friend.",
            "The {hatch} grew and grew, and it stayed their friend for ever.",
            "And now there were three of them.")


RULES = [
    ("do not eat the green apples", "{n} saw how [fresh|good] the green apples looked", "ate five of them",
     "{his} tummy hurt so much that {he} had to lie down", "made {him} some warm tea", "eat green apples"),
    ("do not walk on the thin ice", "{n} saw how nicely the ice [sparkled|shone]", "stepped onto it",
     "the ice cracked, and {his} feet got wet and cold", "pulled {him} back with a long branch", "walk on thin ice"),
    ("do not open the blue jar", "{n} stood in front of the jar and wanted to know what was inside", "opened the lid just a little",
     "a cloud of flour flew out and covered everything", "fetched a broom and helped {him}", "open other people's jars"),
    ("do not go into the forest alone", "{n} saw a yellow butterfly between the trees", "followed it deeper and deeper",
     "{he} no longer knew the way back", "came with a lantern and led {him} home", "go into the forest alone"),
    ("do not leave the gate open", "{n} was in a great hurry", "ran through without closing it",
     "all the sheep walked out onto the road", "whistled and helped {him} bring them back", "leave the gate open"),
    ("do not play near the bees", "{n} saw that the prettiest flowers grew near the beehive", "went closer and closer to pick some",
     "a bee stung {him} on the nose", "put a cool leaf on {his} nose", "bother the bees"),
    ("do not stay up too late", "{n} saw how [bright|beautiful] the stars were", "counted them all night long",
     "{he} fell asleep at breakfast, with {his} nose in the soup", "laughed and carried {him} to bed", "stay up so late"),
    ("do not climb the old ladder", "{n} saw that the reddest cherries were at the top", "climbed up step by step",
     "the ladder broke, and {he} hung from a branch", "brought a new ladder and helped {him} down", "climb old ladders"),
]


def plot_lesson(s):
    c = s.cast
    rule, lure, act, harm, rescue, never = s.rng.choice(
        [r for r in RULES if ("ice" in r[0].split()) == (s.season == "winter") or ("ice" not in r[0].split() and s.season != "winter")]
        or RULES)
    c["rule"], c["lure"], c["act"] = rule, expand(lure, s.rng, c), act
    c["harm"], c["rescue"], c["never"] = expand(harm, s.rng, c), expand(rescue, s.rng, c), never
    opening(s)
    s.one("{His} {mum} always told {him}, \"Please {rule}.\"",
          '"Please {rule}," {his} {mum} said [every day|again and again]. {n} nodded, but {he} [did not really listen|was thinking of other things].',
          "There was only one rule at home: {rule}.")
    s.para(0.4)
    s.say(someday(s) + "{lure}.")
    s.one('"[Just this once|Nobody will see me|What could go wrong]," [thought|said] {n}.',
          "{n} [looked around|waited a moment]. Nobody was watching.",
          '"Remember the rule," said {fn}. But {n} did not listen.')
    s.say("So {he} {act}.")
    s.one("[At first, everything was fine.|For a moment, {he} was very happy.|] But [then|soon] {harm}.",
          "It did not take long, and {harm}.")
    s.para(0.5)
    s.one('"Help!" [cried|called] {n}.', '"Oh dear, oh dear," [said|cried] {n}.', "{n} began to cry.")
    s.one("Luckily, {g} [was near|was not far away]. {Ghe} {rescue}.",
          "{g} heard {him}. {Ghe} quickly {rescue}.",
          "{Fn} ran to get {g}, who {rescue}.")
    s.one('"[Why did you not listen|What did I hear about a rule]?" asked {gs}[ gently|]. "I am sorry," {SAID} {n}. "I [thought it would be fine|did not think]."',
          "{n} felt [very |]ashamed. \"I should have listened,\" {he} said.",
          'In the evening, {n} told {his} {mum} everything. "Now you know why I said it," {mhe} said, and {mhe} gave {him} a hug.')
    s.maybe('"Everybody makes mistakes," said {fn}. "You only have to learn from them."', 0.4)
    closing(s, "{n} did not {never} [ever |]again.",
            "From that day on, {n} listened [when somebody gave {him} good advice|to {his} {mum}].",
            "{n} had learned that rules are often there [for a good reason|to keep us safe].", happy=False)


def plot_new_friend(s):
    c = s.cast
    s.set("game", "hide and seek", "tag", "a ball game", "a guessing game", "a jumping game")
    opening(s)
    s.say(someday(s) + "{n} saw [somebody new|someone {he} did not know] {in1}. It was a~ [young|small|strange|thin] {fk}[ with [big|bright|sad] eyes|].")
    s.one('"Hello, I am {n}. What is your name?" {he} asked.', '"Good morning," said {n}. "Are you new here?"')
    s.one("The {fk} [hid behind a tree|looked at the ground|took a step back] and said nothing.",
          '"I am {fbare}," the {fk} whispered. "I [have just moved here|come from far away|do not know anyone here]."')
    s.one("{n} could see that the new {fk} was [very |]shy.", "{n} remembered how [sad|lonely] it is to have no friends.",
          "The others did not ask the new {fk} to play.")
    s.para(0.6)
    s.one("The next day, {n} came back with [some {food}|a~ {o}].", "{n} had an idea. {He} {go} home and came back with [some {food}|a~ {o}].")
    s.one('"This is for you," said {n}. "[Would you like to play|Shall we play] {game}?"',
          "{He} put it [down on the grass|on a stone] and waited. After a while, the {fk} came [closer|out].")
    if "f" in c["seen"]:
        s.one("Slowly, {fn} [smiled|nodded]. \"[Thank you|Yes, please],\" {fhe} said.", "Now {fn} began to smile.")
    else:
        s.one("{Fbare}, for that was the name of the {fk}, began to smile.",
              '"Nobody has ever given me anything," said the {fk}, whose name was {fbare}.',
              "Slowly, the {fk} [smiled|nodded]. \"[Thank you|Yes, please]. My name is {fbare},\" {fhe} said.")
    s.one("They played {game} all afternoon, and {fn} was very good at it.",
          "Soon they were [laughing|playing {game}] as if they had always known each other.",
          "It turned out that {fn} knew [the funniest jokes|many songs|wonderful games].")
    s.para(0.5)
    s.one("{Xn} came to see what was so funny. \"[Can I play too|May I join you]?\" {xhe} asked.",
          "Soon {xn} wanted to play too.")
    s.one('"The more, the merrier!" [said|cried] {fn}.', '"Of course," said {fn}, who was not shy any more.')
    closing(s, "{n} had learned that a stranger is only a friend you do not know yet.",
            "From that day on, {fn} was [never|no longer] alone.",
            "One kind word can be the start of a friendship.")


def plot_seed(s):
    c = s.cast
    plant, fruit, size = s.rng.choice([("sunflower", "flower as big as a plate", "taller than the door"),
                                       ("pumpkin", "pumpkin as round as the moon", "bigger than a cart"),
                                       ("bean", "row of fat green beans", "up to the roof"),
                                       ("rose", "deep red flower", "up to the window"),
                                       ("apple tree", "sweet red apple", "taller than {n}"),
                                       ("strawberry", "bright red strawberry", "across the whole garden")])
    c["plant"], c["fruit"], c["size"] = plant, fruit, expand(size, s.rng, c)
    s.season = c["season"] = "spring"
    c["weather"] = s.rng.choice(SEASONS["spring"][0])
    c["scene"] = s.rng.choice(SEASONS["spring"][1])
    opening(s)
    s.say(someday(s) + "{g} gave {him} a [tiny|small] {plant} seed.")
    s.one('"[Plant it|Put it into the earth], water it, and be patient," said {gs}.',
          '"Take good care of it," said {gs}, "and you will see something wonderful."')
    s.one("{n} dug a [little |]hole {in1}, put in the seed and [gave it some water|watered it].",
          "{n} planted the seed {in1}, and every morning {he} gave it water.")
    s.para(0.4)
    s.one("The next day, {n} went to look, but there was [nothing to see|only brown earth].",
          "A week went by, but [nothing happened|there was only earth].")
    s.one('"It is not growing," said {n}[ sadly|]. "[Maybe it is asleep|Give it time]," {SAID} {fn}.',
          '"Grow, little seed, grow!" {he} said. But the seed [took its time|did not hurry].',
          "{Fn} laughed. \"You cannot hurry a seed,\" {fhe} said.")
    s.one("{n} wanted to dig it up and look, but {fn} [stopped {him}|said that it needed to rest].",
          "So {n} waited. {He} [pulled out the weeds|sang to the seed|kept the snails away].",
          "It was hard to wait, but {n} did not give up.")
    s.para(0.6)
    s.one("Then, after a warm rain, a green tip [came out of the ground|looked out of the earth].",
          "One morning, there was a tiny green leaf!")
    s.one('"It is alive!" [shouted|cried] {n}, and {he} {go} to tell {fn}.', "{n} was so happy that {he} danced around it.")
    s.one("The plant grew and grew, until it was {size}.", "Week after week it grew, and soon it was {size}.")
    s.one("And in the summer, there was a {fruit}.", "When the summer came, {n} found a {fruit} on it.")
    s.maybe('"You were patient," said {gs}, "and this is your reward."', 0.5)
    closing(s, "{n} had learned that good things take time.",
            "{n} kept some new seeds for {fn}, so that {fhe} could grow one too.",
            "And every spring after that, {n} planted a new seed.")


NOISES = [("tap, tap, tap", "a branch that knocked on the window", "tapping"),
          ("scratch, scratch", "a hungry little mouse behind the wall", "scratching"),
          ("hoo, hoo", "a young owl that could not find its way home", "calling"),
          ("drip, drip, drip", "the water that dripped into an old pot", "dripping"),
          ("creak, creak", "the old gate that swung in the wind", "creaking"),
          ("meow", "a small lost cat on the doorstep", "crying"),
          ("rustle, rustle", "a hedgehog family in the dry leaves", "rustling"),
          ("plop, plop", "the ripe plums that fell from the tree", "plopping")]


def plot_night(s):
    c = s.cast
    c["noise"], c["cause"], c["noising"] = s.rng.choice(NOISES)
    c["Noise"] = c["noise"][0].upper() + c["noise"][1:]
    s.set("fancy", "a monster", "a ghost", "a giant", "a big wolf")
    opening(s)
    s.say(s.rng.choice(["That night, ", "That evening, ", "Late that night, "] if s.started else
                       ["One night, ", "One dark night, ", "One {season} night, ", "Late one night, "]) +
          "{n} [woke up|could not sleep|lay awake in bed]. {He} heard [a strange noise|something].")
    s.one('"{Noise}," it went. "{Noise}."', "\"{Noise}!\" What could that be?")
    s.one('"It must be {fancy}," thought {n}[, and {he} pulled the blanket over {his} head|].',
          "{n} thought of {fancy} and [trembled|did not dare to move].",
          "{He} was [very |so ]scared. Was it {fancy}?")
    s.para(0.5)
    s.one("But the noise did not stop.", "{He} waited and waited. There it was again: \"{Noise}.\"")
    s.one("In the end, {n} [woke|called] {fn}, who was staying the night. \"Do you hear that?\" {he} whispered.",
          "{Fn} was staying with {him} that night. \"Did you hear that?\" asked {n}.")
    s.one('"I hear it too," {SAID} {fn}. "Let us look together."', '"Yes," whispered {fn}. "If we go together, we do not have to be afraid."',
          '"Take the lamp," said {fn}, "and give me your [hand|paw]."' if s.animals else '"Take the lamp," said {fn}, "and give me your hand."')
    s.one("On tiptoe, they went to the door. {n} lifted the lamp and [opened the door|looked out].",
          "Step by step, they followed the sound. {His} heart beat [fast|loudly].")
    s.one("And what did they see? It was only {cause}!", "There was no one there but {cause}." if c["cause"].startswith("a ") and "branch" not in c["cause"] else "It was only {cause}.",
          "They looked at each other and began to laugh. It was {cause}.")
    s.para(0.4)
    if "mouse" in c["cause"]:
        s.one("They gave it some crumbs, and it was quiet.", '"Good night, little mouse," said {n}.')
    elif "owl" in c["cause"] or "cat" in c["cause"]:
        s.one("They [took it in|gave it something to eat], and in the morning they helped it to find its home.",
              '"You poor little thing," said {n}, and {he} let it sleep by the fire.')
    elif "hedgehog" in c["cause"]:
        s.one("They put out some apples and watched the little ones eat.", '"Good evening," said {n} politely, and the smallest one squeaked.')
    else:
        s.one('"So that was {fancy}!" laughed {fn}.', '"And we were so scared!" laughed {n}.')
    closing(s, "{n} had learned that most noises in the night are quite small [by day|when you look at them].",
            "After that, {n} was not afraid of the dark any more.",
            "Fear gets smaller when you look at it together.")


BUILDS = [("a tree house", "some boards", "hold the boards", "the floor fell down", "in the [oak|beech|chestnut] tree", None),
          ("a raft", "some logs", "tie the logs together", "the logs floated away", "at the edge of the water", None),
          ("a snow castle", "a lot of snow", "lift the big blocks", "the wall fell down", "{in1}", "winter"),
          ("a snowman", "three big balls of snow", "lift the head", "the head rolled down the hill", "{in1}", "winter"),
          ("a bridge of stones", "flat stones", "carry the heavy stones", "the stones rolled away", "over the brook", None),
          ("a swing", "a rope and a board", "reach the high branch", "the knot came loose", "in the garden", None),
          ("a sand castle", "a lot of wet sand", "dig the ditch", "a wave washed it away", "at the edge of the water", "summer"),
          ("a big kite", "paper and thin sticks", "hold the sticks", "the paper tore", "", "autumn"),
          ("a bird house", "some old boards", "hold the nails", "the roof fell off", "for the [robins|sparrows|little birds]", None),
          ("a hut", "many branches", "hold the branches", "the roof fell in", "{in1}", None)]


def plot_build(s):
    c = s.cast
    b = s.rng.choice([b for b in BUILDS if b[5] in (None, s.season)])
    c["build"], c["stuff"], c["hard"], c["fail"], c["site"], _ = b
    c["bn"] = re.sub(r"^an? ", "the ", c["build"])
    opening(s)
    s.say(someday(s) + "{he} [wanted to|decided to|made up {his} mind to] build {build} {site}.")
    s.one("{n} [collected|found|brought] {stuff} and began to work.", "{He} [got|took] {stuff} and started at once.")
    s.one('"May I help you?" asked {fn}. "No, I can do it alone," {SAID} {n}.',
          "{Fn} wanted to help, but {n} shook {his} head. \"I do not need any help,\" {he} said.")
    s.one("{He} worked [all morning|for hours]. But {he} could not {hard} all alone, and {fail}.",
          "It was hard work. Just when {he} was almost done, {fail}.")
    s.one("{n} tried again, and again {fail}.", "{n} tried a second time, but it [did not work|was no better].",
          "{n} kicked [a stone|the ground] and sat down.")
    s.para(0.6)
    asked = s.rng.random() < 0.6
    if asked:
        s.one('Then {fn} came back. "Alone I cannot do it," {n} said [quietly|at last]. "Will you help me?"',
              "Then {n} went to {fn} and said, \"I was wrong. Can you help me?\"")
    else:
        s.one("{Fn} [was still there|came back] and sat down next to {him}. \"It is [hard|a lot of work] for one,\" {fhe} said. "
              "\"Will you let me help?\" {n} nodded.",
              "{Fn} came back with [a hammer|a rope|a smile]. \"Are you sure that you do not want any help?\" {fhe} asked. {n} [smiled|blushed].")
    if asked:
        s.one('"With pleasure!" said {fn}[, and {fhe} called {xn} as well|].', '"Of course!" said {fn}. "And {xplain} can help us too."')
    else:
        s.one('"Then let us begin," said {fn}[, and {fhe} called {xn} as well|].', '"We can ask {xplain} too," said {fn}.')
    s.one("{n} showed them what to do. {Fn} was good at planning, and {xn} was [strong|quick|careful].",
          "One of them [measured|counted], one of them carried, and one of them could {hard}.")
    s.one("They worked and laughed, and before the sun went down, {bn} was ready.",
          "It took them only one afternoon. Then {bn} was finished, and it was [beautiful|perfect].")
    s.maybe('"[It is wonderful|We did it]!" [said|cried] {n}. "[Thank you both|I could not have done it without you]."', 0.6)
    closing(s, "{n} had learned that many hands make light work.",
            "From then on, they [always built things together|played there every day].",
            "What is too hard for one is often easy for three.")


def plot_baking(s):
    c = s.cast
    mix = s.rng.choice([("salt", "sugar", "salty"), ("pepper", "cinnamon", "hot"), ("mustard", "honey", "sharp"), ("onions", "apples", "strange")])
    c["wrong"], c["right"], c["taste"] = mix
    s.set("event", "the [summer|village] fair" if s.season == "summer" else "the [{season}|village] fair", "the birthday of {g}", "the [school|village] party", "the baking contest")
    s.set("cake", "a cake", "a big cake", "some biscuits", "a pie")
    c["cn"] = {"some biscuits": "the biscuits"}.get(c["cake"], "the " + c["cake"].split()[-1])
    plural = c["cn"] == "the biscuits"
    c["was"], c["it3"] = ("were", "they") if plural else ("was", "it")
    opening(s)
    s.say(someday(s) + "{n} wanted to bake {cake} for {event}.")
    s.one("{He} put on [an apron|a white apron] and [took out a big bowl|got everything ready].",
          "{Fn} came to help, and soon there was flour everywhere.", "{He} had never baked alone before.")
    s.one("{n} stirred in [flour and eggs|butter and flour], and {he} hummed a tune.",
          "There was a lot to do, and {n} was in a hurry.")
    s.one("{He} took a jar from the shelf and did not read the label. It was {wrong}, not {right}!" ,
          "But {he} took the wrong jar: instead of {right}, {he} put in {wrong}.")
    s.para(0.6)
    s.one("When {cn} {was} ready, {fn} was the first to try.", "{Cn} looked [perfect|wonderful]. {Fn} took a big bite.")
    s.one("{Fhis} face turned red. \"It tastes... {taste},\" {fhe} said[ slowly|]." if not plural else "{Fhis} face turned red. \"They taste... {taste},\" {fhe} said[ slowly|].",
          '{Fn} [coughed|made a funny face]. "What did you put in?" {fhe} asked.')
    s.one("{n} tried a crumb. How awful! {He} wanted to cry.", '"I took the wrong jar!" cried {n}. "Now [everything is spoiled|the whole day is spoiled]."')
    s.one('But {fn} began to laugh, and then {n} had to laugh too. "Let us try again," said {fn}.',
          '"Do not be sad," said {fn}. "We have time for a second try."',
          '"Everyone makes mistakes," said {g}. "Come, I will help you."')
    s.para(0.5)
    s.one("This time, they read every label. {Cn} {was} [golden and sweet|soft and sweet|just right].",
          "Together they began again, and this time they used {right}.")
    s.one("At {event}, everyone wanted a piece.", "Everybody {at} came to taste, and soon not a crumb was left.")
    s.maybe('"What is your secret?" asked {gs}. "[We read the labels|We made it twice]," {SAID} {n}, and {fn} [giggled|winked].', 0.6)
    closing(s, "{n} had learned that a mistake is not the end of the story.",
            "And from that day on, {n} always tasted first.",
            "The second try is often better than the first.")


def plot_wish(s):
    c = s.cast
    s.set("wish", "{o}", "new {on}", "{o}")
    opening(s)
    s.say(s.rng.choice(["That night, ", "That evening, ", "Late that evening, "] if s.started else
                       ["One [clear|quiet] night, ", "One {season} night, ", "Late one evening, "]) +
          "{n} saw a [falling|shooting] star[ above {spot1}|].")
    s.one('"[Make a wish|Quick, make a wish]," said {his} {mum}. {n} [closed {his} eyes|thought hard]. {He} wished for a~ {wish}.',
          "{He} had always wanted a~ {wish}, so {he} closed {his} eyes and made a wish.")
    s.one("The next morning, {n} found a small [box|parcel] at the door. In it was a~ {wish}!",
          "And when {he} woke up, a~ {wish} lay [beside {his} bed|on the doorstep]!")
    s.one("{n} could hardly believe it. {He} ran out to show it to {fn}.", "{n} was the happiest {k} {at}.")
    s.para(0.6)
    s.one("But {fn} sat {in2} and looked sad. \"I [made a wish too|wished for something too],\" {fhe} said, \"but [nothing came|I got nothing].\"",
          "But {fn} was crying. \"My {on} is [lost|gone],\" said {fn}, \"and I will never get another one.\"" )
    s.one("{n} looked at {his} new {on}. {He} loved it very much. But {he} loved {his} friend even more.",
          "{n} [thought about it|was quiet for a moment]. Then {he} knew what to do.")
    s.one('"This is for you," said {n}, and {he} gave the {on} to {fn}.', '"Take it," said {n}. "I [want|would like] you to have it."',
          '"It can belong to both of us," said {n}.')
    s.one("{Fn} [could not speak|hugged {him} tightly|smiled through {fhis} tears]. \"[Really|For me]?\" {fhe} asked.",
          '"You are the best friend in the world," said {fn}.')
    s.para(0.5)
    s.one("That night, the star [shone|twinkled] again. {n} [looked up|looked out of the window]. \"I do not need another wish,\" {he} said.",
          "In the evening, they sat together {in3} and looked at the sky. All the stars were [bright|shining].")
    closing(s, "{n} had learned that the best wish is to make somebody else happy.",
            "A gift makes two people glad: the one who gets it and the one who gives it.",
            "And the {on} always reminded them of the star.")


def plot_lost_child(s):
    c = s.cast
    baby, mother, sign = s.rng.choice([("duckling", "duck", "quacking"), ("chick", "hen", "clucking"), ("fawn", "deer", "calling"),
                                       ("foal", "mare", "neighing"), ("baby elephant", "elephant", "trumpeting"),
                                       ("bear cub", "bear", "calling"), ("piglet", "pig", "grunting"), ("gosling", "goose", "honking")])
    c["baby"], c["mother"], c["sign"] = baby, mother, sign
    opening(s)
    s.say(someday(s) + "{he} [found|saw|met] a [tiny|little] {baby} {in1}. It was crying.")
    s.one('"What is the matter, little one?" asked {n}. "I [have lost|cannot find] my mother," {SAID} the {baby}.',
          '"I am lost," said the {baby}. "I followed a butterfly, and now I am all alone."')
    s.one('"Do not cry," said {n}. "We will find her."', '"I will take you home," said {n}[ and wiped away its tears|].')
    s.para(0.5)
    s.one("They went to {spot2} and asked {fn}. \"Have you seen a mother {mother}?\" asked {n}.",
          "On the way, they met {fn}. \"We are looking for a mother {mother},\" said {n}.")
    s.one('"I have not seen her," {SAID} {fn}, "but I will help you look."', '"I saw her this morning near {spot3}," {SAID} {fn}. "She looked very worried."')
    s.one("Together they [walked|looked] [for a long time|everywhere]. The {baby} was so tired that {n} had to carry it.",
          "They looked {in2} and {in3}. The {baby} held on to {n} and did not let go.")
    s.maybe("{n} sang a song, so that the {baby} would not be afraid.", 0.4)
    s.maybe('"[Hush|Listen]!" said {fn}. "Do you hear that?"', 0.4)
    s.para(0.5)
    s.one("Then they heard loud {sign}. \"That is my mother!\" cried the {baby}.",
          FINALLY + " they heard somebody {sign}. The {baby} [lifted its head|jumped up]. \"Mama!\" it cried.")
    s.one("The mother {mother} came running and [took|pressed] her little one close to her.",
          "The {mother} was so happy that she [wept for joy|laughed and cried at once].")
    s.one('"How can I thank you?" she asked. "You are welcome," {SAID} {n}.', '"[Thank you|Thank you both] for bringing my child back," she said.',
          '"You have good hearts," said the {mother}, and she gave them [some berries|a soft white feather|a big hug].')
    closing(s, "{n} [waved|looked back] until they were out of sight. {He} was glad that {he} had stopped to help.",
            "And after that, the {baby} always stayed close to its mother.",
            "{n} went home and gave {his} own {mum} a very big hug.")


def plot_neighbour(s):
    c = s.cast
    s.set("task", "carry the firewood", "sweep the yard", "wash the windows",
          *(["clear the snow from the path", "feed the birds", "mend the stove"] if s.season == "winter" else
            ["water the flowers", "dig the garden", "paint the fence"]),
          *(["pick the apples", "rake the leaves"] if s.season == "autumn" else []),
          *(["bring in the hay", "pick the cherries"] if s.season == "summer" else []))
    opening(s)
    s.say(someday(s) + "{n} saw {g}, who [was tired|sat on a bench and sighed|had a sore back].")
    s.one('"I still have to {task}," said {gs}, "but [my back hurts|I am so tired|my legs are so old]."',
          '"There is so much work," said {gs}, "and I am not young any more. Who will {task}?"')
    s.one("{n} had wanted to play with {fn}. But {he} [did not think about it for long|could do that later].",
          '"I can do that," said {n} at once.')
    s.one("So {n} began to {task}. It was harder than it looked.", "{He} rolled up {his} sleeves and began to {task}." if not s.animals else "{He} set to work and began to {task}.")
    s.para(0.5)
    s.one("After an hour, {fn} came by. \"Come and play!\" called {fn}. \"First I have to {task},\" {SAID} {n}.",
          "{Fn} came to look for {him}. \"Why are you working on such a fine day?\" {fhe} asked. \"Because {gs} needs help,\" {SAID} {n}.")
    s.one('"Then I will help you," said {fn}. "[It goes faster with two|After that we can play]."',
          "{Fn} [thought for a moment|smiled] and began to help too.")
    s.one("They sang while they worked, and the time flew by.", "They made a game of it, and [soon|in no time] everything was done.")
    s.para(0.5)
    s.one("{gs} could not believe {ghis} eyes. \"[You are wonderful|How can I thank you]!\" {ghe} said.",
          '"You have made me very happy," said {gs}.')
    s.one("{Ghe} brought out {food}, and they all sat down {in1}.", "Then {ghe} told them [a story about the old days|how {ghe} had once met a king|a long and funny story].",
          "{Ghe} gave them a~ {o}. \"It was mine when I was [young|little],\" {ghe} said. \"Now it is yours.\"")
    closing(s, "{n} had learned that helping makes you [happy|tired but happy].",
            "After that, {n} and {fn} visited {gs} every week.",
            "It had not been a day of play, but it had been a very good day.")


def plot_quarrel(s):
    c = s.cast
    opening(s)
    s.say("{His} best friend was a~ {fA} {fk} {named} {fbare}." if not s.started else "{His} best friend, a~ {fA} {fk} {named} {fbare}, was with {him}.")
    s.say(s.rng.choice(["One day, they", "One {weather} day, they", "That morning, they"] if not s.started else ["Then they", "After a while, they", "There they"]) +
          " [found|saw] a~ {o} {in1}.")
    s.one('"I saw it first!" said {n}. "No, I did!" [said|cried] {fn}.', '"It is mine!" [said|cried] {n}. "No, it is mine!" [said|cried] {fn}.')
    s.one("{n} pulled on one side, and {fn} pulled on the other.", "They [argued|shouted] until they were both [red in the face|out of breath].")
    s.one('"You are not my friend any more!" said {fn}, and {fhe} [ran|went] home.', "In the end, {n} took the {on} and went home without a word.")
    s.para(0.7)
    s.one("{n} sat {in2} [all alone|by {himself}]. It was no fun without {fn}.", "That evening, {n} could not eat. {He} kept thinking of {fn}.")
    s.one('"What use is a~ {on}," {he} thought, "if I have nobody to share it with?"',
          '"A thing is only a thing," said {g}, who saw {him} sitting there. "[A friend is much more|You can get another thing, but not another {fn}]."'
          if not c["g"].startswith("the [") else '"A thing is only a thing," said {gs}, who saw {him} sitting there. "A friend is much more."')
    s.one("So {n} took the {on} and {go} to find {fn}.", "The next morning, {he} {go} straight to {fn}.")
    s.one("But {fn} was already on the way to {him}! They met {in3}.", "{Fn} opened the door and looked at the floor.")
    s.one('"I am sorry," they both said at the same time, and then they had to laugh.', '"I am sorry," said {n}. "I am sorry too," said {fn}.',
          '"You can have it," said {n}. "No, you can have it," said {fn}, and they both laughed.')
    s.para(0.4)
    s.one("From then on, they took turns: one day {n} had the {on}, and the next day {fn}.",
          "They hung it {in3}, so that everyone could see it." if c["on"] in ("bell", "lantern") else "They decided that the {on} belonged to both of them.")
    closing(s, "{n} had learned that a friend is worth more than any {on}.",
            "And they never [quarrelled|fought] about a {on} again." if c["on"] != "umbrella" else "And they never quarrelled about it again.",
            "It takes courage to say sorry, but it is always worth it.")


SKILLS = [("whistle", "only air came out", "whistled a whole tune", None), ("ride a bicycle", "{he} fell into the grass", "rode all the way to {spot1}", None),
          ("swim", "{he} swallowed a lot of water", "swam from one side to the other", "summer"),
          ("skate", "{he} landed on {his} back", "skated in a big circle", "winter"),
          ("read", "the letters danced before {his} eyes", "read a whole page", None),
          ("dance", "{he} tripped over {his} own feet", "danced around {spot1}", None),
          ("play the violin", "it squeaked terribly", "played a lovely song", None),
          ("tie a knot", "the knot came loose", "tied three knots in a row", None),
          ("juggle", "all the balls fell down", "juggled with three apples", None),
          ("stand on one leg", "{he} fell over", "stood on one leg for a whole minute", None)]


def plot_learn(s):
    c = s.cast
    skill, fail, win, _ = s.rng.choice([k for k in SKILLS if k[3] in (None, s.season)])
    c["skill"], c["fail"], c["win"] = skill, expand(fail, s.rng, c), expand(win, s.rng, c)
    opening(s)
    s.one("There was one thing {he} could not do: {he} could not {skill}.",
          "More than anything, {n} wanted to learn to {skill}.", "All {his} friends could {skill}, but {n} could not.")
    s.say(someday(s) + "{he} [tried|tried it for the first time], but {fail}.")
    s.one('"I will never learn it," [sighed|said] {n}.', "{n} tried again, and again {fail}.",
          "Somebody laughed, and {n} [blushed|ran away and hid {in1}].")
    s.para(0.6)
    s.one("{G} had seen it. \"Nobody can do everything on the first day,\" {ghe} said.",
          '"When I was young, I could not {skill} either," said {g}. "I tried a hundred times."',
          "{Fn} sat down beside {him}. \"I could not do it at first,\" {fhe} said. \"Shall I show you how?\"")
    s.one("So {n} practised a little every day, {in1} or {in2}.", "From then on, {n} practised every [morning|evening] with {fn}.",
          "{n} tried once more. It was a little better than before.")
    s.one("Sometimes it went well, and sometimes it did not.", "The first week was hard. The second week was easier.",
          "{He} wanted to give up more than once, but {he} did not.", "After a few days, {he} [hardly|almost never] made the old mistakes.")
    s.para(0.6)
    s.one("Then, one {weather} [day|morning], it happened: {n} {win}!", "One day, without even thinking about it, {n} {win}.",
          FINALLY + " the day came when {n} {win}.")
    s.one('"Look, look! I can do it!" [shouted|cried] {n}.', '"I knew that you could do it," said {fn}.',
          "Everyone who saw it [clapped|cheered], and {fn} clapped the loudest.")
    s.maybe('"How did you do it?" asked {xn}. "I just did not stop," {SAID} {n}.', 0.5)
    closing(s, "{n} had learned that you get better at something every time you try.",
            "And now {n} teaches everyone who wants to {skill}.", "What is hard today may be easy tomorrow.")


def plot_music(s):
    c = s.cast
    a, b, d = s.rng.sample(["a drum", "a flute", "a violin", "a trumpet", "a guitar", "an accordion", "two wooden spoons", "a little bell"], 3)
    c["ia"], c["ib"], c["ic"] = a, b, d
    c["iat"] = re.sub(r"^an? ", "the ", a).replace("two wooden", "the wooden")
    s.set("where", "in the [big |]square", "for everyone {at}", "under the open sky", "in front of the house of {g}")
    opening(s)
    s.say(someday(s) + "{n} found {ia} in [the attic|an old box|a dusty chest].")
    s.one("{He} began to play at once. It was very loud, and not very beautiful.", "{n} played all day long. It sounded strange, but {he} liked it.")
    s.one('"What a noise!" said {g}[, and {ghe} covered {ghis} ears|].', '"Could you please stop?" asked {g}. "I want to sleep."')
    s.one("{n} was sad. {He} put {iat} away.", "{n} felt ashamed and went {in3}, where nobody could hear {him}.")
    s.para(0.6)
    s.one("Then {he} met {fn}, who had {ib}. \"Let us play together,\" said {fn}.", "But {fn} came and said, \"I have {ib}. Alone it sounds [thin|sad]. Shall we play together?\"")
    s.one("They tried it slowly, one note after another.", "At first, one was too fast, and the other was too slow.", "They listened to each other, and [soon |]it sounded much better.")
    s.one("{Xn} heard them and came along with {ic}. Now they were three.", "Then {xn} joined them with {ic}.")
    s.one("Every day after lunch, they practised {in3}.", "They practised until they knew [three|five|seven] songs.")
    s.para(0.6)
    s.one("On the day of the {season} fair, the three friends played {where}.", "One {weather} evening, they gave a concert {where}.")
    s.one("People stopped and listened. Some of them began to dance." if not s.animals else "Everyone stopped and listened. Some of them began to dance.",
          "When they had finished, it was quiet for a moment. Then everyone [clapped|cheered].")
    s.one('"Is this the same {n} who made such a noise?" asked {gs}[, and {ghe} danced too|].', "Even {gs} [danced|tapped {ghis} foot] and asked for one more song.")
    closing(s, "{n} had learned that music is nicest when you make it together.", "And from that day on, there was music {at} every evening.",
            "You have to listen to each other if you want to play together.")


def plot_map(s):
    c = s.cast
    s.set("treasure", "an old picture and a letter", "a jar full of flower seeds", "a box of old toys", "a bag of [glass beads|shiny marbles]", "a golden bell", "a big book of stories", "a kite and a note: well done")
    opening(s)
    s.say(someday(s) + "{n} found an old map [in a book|under a loose board|in a bottle|in {his} {mum}'s coat].")
    s.one('There was a red cross on it. "A treasure!" [whispered|cried] {n}.', "It showed the way to a treasure, with arrows and a red cross.")
    s.one("{He} ran to {fn} at once. \"Will you come with me?\" {he} asked.", '"I cannot read this sign," said {n}, so {he} asked {fn} for help.')
    s.one('"Of course," said {fn}. "I have always wanted to find a treasure."', "{Fn} looked at the map and [nodded|whistled]. \"We must start at {spot1},\" {fhe} said.")
    s.para(0.6)
    s.one("From {spot1} they took ten steps to the left, and then they went on to {spot2}.", "First they had to go to {spot1}, and then twenty steps towards {spot2}.",
          "The arrow led them past {spot1} and around {spot2}.")
    s.one("Once they went the wrong way and had to turn back.", "It began to [rain|get dark], but they did not turn back.", "{Fn} counted the steps, and {n} held the map.")
    s.one("The red cross was {in3}. They began to dig.", "At last they stood {in3}. \"Here it must be,\" said {n}, and they dug a hole.")
    s.one("After a while, {his} shovel hit [something hard|a wooden box].", '"I can feel something!" cried {fn}.')
    s.para(0.6)
    s.one("It was a chest! They lifted the lid. There was no gold in it, only {treasure}.", "They opened the old chest with trembling hands. Inside was {treasure}." if not s.animals else "They opened the old chest carefully. Inside was {treasure}.")
    s.one('"It is better than gold," said {n}.', "They looked at each other and laughed.", '"Who has put it there?" asked {fn}. "Maybe somebody who was once as small as we are," {SAID} {n}.')
    s.one("They showed it to {g}, who smiled and said, \"So you found it! I hid it there when I was young.\"", "They decided to share it with everyone {at}.",
          "Then they hid [a marble|a shiny stone|a little letter] in the chest, for the next one to find.")
    closing(s, "{n} had learned that the search was the best part of the treasure.", "The best treasure, said {n}, was a day with a good friend.",
            "And the old map still hangs over {his} bed.")


GIANTS = [("dragon", "on the mountain", "had a sore tooth", "tied a string to the tooth and pulled it out"),
          ("giant", "behind the hills", "had a thorn in his foot", "pulled out the thorn"),
          ("troll", "under the old stone bridge", "had a bad cold", "cooked a pot of hot soup"),
          ("wolf", "in the dark wood", "had a splinter in his paw", "took the splinter out"),
          ("dragon", "in a deep cave", "was all alone on his birthday", "baked a cake with a hundred candles"),
          ("giant", "in the old castle", "could not sleep", "sang a soft song until he closed his eyes"),
          ("lion", "on the rocky hill", "had a knot in his mane", "combed the knot out, hair by hair")]


def plot_dragon(s):
    c = s.cast
    c["beast"], c["lair"], c["woe"], c["cure"] = s.rng.choice(GIANTS)
    opening(s)
    s.one("A big {beast} lived {lair}, and everyone was afraid of him.", "Everyone {at} was afraid of the {beast} who lived {lair}.",
          "In those days, a {beast} lived {lair}. Nobody dared to go there.")
    s.say(s.rng.choice(["One night, ", "One {weather} day, ", "One [day|evening], "]) + "they heard [a terrible roar|loud crying|a loud howl]. [The windows shook.|The ground trembled.|The birds flew away.]")
    s.one('"The {beast} is angry!" said {g}. "[Lock the doors|Hide, everyone]!"', '"He is coming to eat us!" cried {fn}.', "Everyone ran home and locked the door.")
    s.one("But {n} listened. \"He does not sound angry,\" {he} said. \"He sounds sad.\"", "{n} wondered why the {beast} was roaring. \"I will ask him,\" {he} said.")
    s.para(0.6)
    s.one("So {he} took a lamp and went to find the {beast}. {His} knees shook.", "{n} was afraid, but {he} went all the same.", "{Fn} did not want {n} to go alone, so they went together.")
    s.one("The {beast} was as big as a house, and large tears ran down his face.", "There he lay, and he was even bigger than {n} had thought.")
    s.one('"What is the matter?" asked {n}. The {beast} looked up. He {woe}.', '"Why do you cry?" asked {n}[ in a small voice|]. "Nobody has ever asked me that," said the {beast}. He {woe}.')
    s.one('"Hold still," said {n}, and {he} {cure}.' if c["cure"].startswith(("tied", "pulled", "took", "combed")) else '"I can help you," said {n}, and {he} {cure}.', '"That is bad," said {n}. Then {he} {cure}.')
    s.para(0.5)
    s.one("The {beast} [smiled|sighed happily]. \"Thank you, little one,\" he said. \"I thought that nobody liked me.\"", '"I feel so much better," said the {beast}. "How can I thank you?"')
    s.one("The next day, he came {at}, and he brought [flowers|apples|firewood] for everyone.", "He carried {n} home on his back, and everyone stared.",
          '"Will you be my friend?" asked the {beast}. "I would like that," {SAID} {n}.')
    s.maybe("At first, {fn} hid {in1}, but then {fhe} came out and laughed too.", 0.5)
    closing(s, "{n} had learned that someone who is big and loud can still be sad.", "From that day on, nobody was afraid of the {beast} any more.",
            "A kind question can turn a stranger into a friend.")


def plot_moon(s):
    c = s.cast
    s.set("water", "the pond", "the lake", "a deep well", "a big puddle", "the river")
    s.set("tool", "a net", "a bucket", "a long spoon", "a fishing rod", "{his} hat")
    c["tool_the"] = re.sub(r"^an? ", "the ", c["tool"])
    opening(s)
    s.say(s.rng.choice(["That evening, ", "That night, "] if s.started else ["One [quiet|clear] night, ", "One {season} evening, ", "Late one evening, "]) +
          "{n} [came past|looked into] {water}. There was the moon, round and white, in the water!")
    s.one('"Oh no!" cried {n}. "The moon has fallen into the water!"', '"Poor moon," said {n}. "It must be cold and wet down there."')
    s.one("{He} ran home to get {tool}.", "{He} wanted to save it, so {he} fetched {tool}.")
    s.one("{n} tried to lift it out with {tool_the}, but the moon [broke into a hundred pieces|slipped away every time].", "As soon as {tool_the} touched the water, the moon [shook and broke|was gone].")
    s.para(0.6)
    s.one("{He} called {fn} for help. \"Hold my [arm|coat],\" {he} said. They pulled and pulled." if not s.animals else "{He} called {fn} for help. \"Hold me tight,\" {he} said. They pulled and pulled.",
          "{Fn} heard the splashing. \"What are you doing?\" {fhe} asked. \"I am saving the moon,\" {SAID} {n}.")
    s.one("Suddenly {n} slipped and fell backwards into the grass. Splash! Now both of them were wet.", "They pulled so hard that they both fell over backwards.")
    s.one("{n} lay on {his} back and looked up. There was the moon, high in the sky!", "And there, above the trees, was the moon, bright and whole.")
    s.one('"We did it!" cried {n}. "The moon is back in the sky!"', '"Look, it is back in its place!" shouted {fn}.')
    s.para(0.6)
    s.one("{G} had seen everything and laughed softly. \"The water is a mirror,\" {ghe} said. \"The moon was never gone.\"", '"What you saw in the water was only a picture of the moon," said {g}.',
          "When they told {g} about it, {ghe} smiled and said nothing at all.")
    s.one('"But it was good of you to help," said {g}.', "{n} thought about it[ for a while|]. \"Then I have seen two moons in one night,\" {he} said.", "They all looked into the water, and the moon looked back at them.")
    closing(s, "And whenever {n} saw the moon in the water, {he} waved to it.", "{n} had learned that things are not always what they seem.", "Not everyone can say that they once saved the moon.")


def plot_wind(s):
    c = s.cast
    s.set("thing", "hat", "scarf", "mitten")
    s.set("colour", "green", "red", "blue", "yellow", "striped")
    c["fine_thing"] = c["colour"] + " " + c["thing"]
    baby = s.rng.choice([("a family of mice", "five tiny mice"), ("a bird", "three little eggs"), ("a cold little hedgehog", "a sleepy little hedgehog"), ("a squirrel", "two baby squirrels")])
    c["who"], c["inside"] = baby
    opening(s)
    s.one("{His} {mum} had made {him} a {fine_thing}, and {n} was very proud of it.", "{n} had a new {fine_thing} and wore it every day.")
    s.say(someday(s) + "the wind [came up|blew hard|was very strong]. It [took|snatched] the {thing} and carried it away.")
    s.one('"Stop! That is my {thing}!" cried {n}.', '"Come back!" called {n}, but the wind only laughed.')
    s.one("{n} ran after it, past {spot1} and around {spot2}.", "The {thing} flew over {spot1}, and {n} ran behind it.")
    s.one("{Fn} saw {him} running and ran along. \"We will catch it!\" {fhe} called.", "On the way, {he} met {fn}. \"Have you seen a {fine_thing}?\" {he} asked. \"It flew that way,\" {SAID} {fn}. \"I will come with you.\"")
    s.one("They jumped as high as they could, but the {thing} was always a little higher.", "Twice they almost had it, but the wind was faster.")
    s.para(0.6)
    s.one("They looked for it until [evening|the sun went down], but it was gone.", "Then the {thing} disappeared behind the trees.")
    s.one("{n} went home with a [cold|red] nose and a heavy heart.", '"Do not be sad," said {fn}. "We will look again tomorrow."')
    s.one("A few days later, they found it {in3}. But what was that? In the {thing} lay {inside}!", "The next morning, {fn} called, \"Here it is!\" The {thing} lay {in3}, and it was not empty: in it lay {inside}.")
    s.para(0.5)
    s.one("{n} looked at them for a long time. They looked so warm and safe." if not c["inside"].startswith("a ") else "{n} looked at it for a long time. It looked so warm and safe.", '"Somebody needs it more than I do," said {n}.')
    s.one("So {he} left the {thing} where it was and tiptoed away.", '"Are you going to take it back?" asked {fn}. {n} shook {his} head.')
    s.one("When {his} {mum} heard about it, {mhe} took out some wool and began to knit a new one." , '"I can wear my old one," {he} said[ with a smile|].')
    closing(s, "{n} had learned that something lost can be a gift for someone else.", "And in the spring, they all came to say thank you." if s.season == "winter" else "And {n} visited them every day." if not c["inside"].startswith("a ") else "And {n} visited it every day.",
            "The wind had known better than {n} who needed a {thing}.")


PLOTS = [plot_lost, plot_sharing, plot_brave, plot_mended, plot_journey, plot_surprise, plot_storm,
         plot_race, plot_secret, plot_lesson, plot_new_friend, plot_seed, plot_night, plot_build,
         plot_baking, plot_wish, plot_lost_child, plot_neighbour, plot_quarrel,
         plot_learn, plot_music, plot_map, plot_dragon, plot_moon, plot_wind]


def attempt(rng):
    """Write one story of whatever length it comes out at."""
    s = Story(rng)
    c = s.cast
    c["SAID"] = SAID
    h1, h2 = rng.sample(HOBBIES, 2)
    c["hobby"], c["hobby2"] = expand(h1, rng, c), expand(h2, rng, c)
    c["food_c"] = rng.choice(["chocolate", "honey", "berry", "apple"])
    rng.choice(PLOTS)(s)
    return s.text()


def story(seed, index):
    """Story number `index` of the corpus `seed`: text of MIN_WORDS..MAX_WORDS words, ASCII only."""
    rng = random.Random(f"heddle stories {seed} {index}")
    while True:
        text = attempt(rng)
        if MIN_WORDS <= len(text.split()) <= MAX_WORDS:
            return text


def main():
    ap = argparse.ArgumentParser(description="Print stories, each followed by a separator line.")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--count", type=int, default=1)
    ap.add_argument("--start", type=int, default=0, help="number of the first story")
    args = ap.parse_args()
    for i in range(args.start, args.start + args.count):
        sys.stdout.write(story(args.seed, i) + "\n" + SEPARATOR + "\n")


if __name__ == "__main__":
    main()
