# SPDX-License-Identifier: Apache-2.0
"""The story grammar: words, a cast, and plots. Every word in this folder was written for heddle."""
