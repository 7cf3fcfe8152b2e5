# SPDX-License-Identifier: Apache-2.0
"""The people and things of one story, and its growing text."""

from .grammar import expand, tidy
from .words import (GIRLS, BOYS, PET_GIRLS, PET_BOYS, ANIMALS, CHILD_HOMES, CHILD_FOODS, ADJECTIVES,
    SIZES, SEASONS, SETTINGS, OBJECTS, SURNAMES, JOBS, ELDERS, FOODS)


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
