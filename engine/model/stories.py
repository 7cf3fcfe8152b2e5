#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes gentle children's stories from a grammar: the training text of the embedded model.

Every word in storybook/ was written for heddle; no data set is copied or read. A story is made in
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
import sys

from storybook.cast import Story
from storybook.grammar import expand
from storybook.plots_things import (plot_lost, plot_sharing, plot_mended, plot_seed,
    plot_build, plot_baking, plot_map)
from storybook.plots_friends import (plot_surprise, plot_secret, plot_new_friend, plot_neighbour,
    plot_quarrel, plot_lost_child)
from storybook.plots_deeds import plot_brave, plot_journey, plot_race, plot_lesson, plot_learn, plot_music
from storybook.plots_wonders import plot_storm, plot_night, plot_wish, plot_dragon, plot_moon, plot_wind
from storybook.words import HOBBIES, SAID

SEPARATOR = "<|story|>"
MIN_WORDS, MAX_WORDS = 90, 200

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
