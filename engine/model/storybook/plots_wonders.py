# SPDX-License-Identifier: Apache-2.0
"""Storms, nights, wishes, dragons, moon and wind. Each plot takes the Story and writes its paragraphs."""

import re

from .openings import opening, someday, closing
from .words import SUDDEN


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
