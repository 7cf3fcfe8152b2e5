# SPDX-License-Identifier: Apache-2.0
"""A thing is lost, shared, mended, made, grown or found. Each plot takes the Story and writes its paragraphs."""

import re

from .grammar import expand
from .openings import opening, someday, closing, meet_friend
from .words import SEASONS, SUDDEN


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
