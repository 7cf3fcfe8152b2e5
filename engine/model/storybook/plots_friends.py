# SPDX-License-Identifier: Apache-2.0
"""Friends meet, quarrel, surprise and keep secrets. Each plot takes the Story and writes its paragraphs."""

from .grammar import expand
from .openings import opening, someday, closing
from .words import SUDDEN, FINALLY


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
