# SPDX-License-Identifier: Apache-2.0
"""Openings and endings that the plots share."""

from .words import THEN, SUDDEN


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
