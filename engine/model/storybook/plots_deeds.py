# SPDX-License-Identifier: Apache-2.0
"""Somebody dares, travels, races, learns. Each plot takes the Story and writes its paragraphs."""

import re

from .grammar import expand
from .openings import opening, someday, closing
from .words import FINALLY


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
