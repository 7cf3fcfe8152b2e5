#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads stories.gguf back and runs it in plain numpy: an independent check of file and engine.

Nothing here is shared with the trainer but the story generator: the GGUF reader, the tokenizer, the
Q8_0 decoding and the forward pass are written a second time, so that a mistake in one of the two
shows up as a difference. The results go to golden.json; a C engine is right when it finds the same
tokens (where the logit gap leaves no doubt) and the same perplexity.

    python3 check.py                                   check against the golden.json that is there
    python3 check.py --write --checkpoint CKPT.pt      write golden.json and held_out.txt anew
    python3 check.py --tokenizer tokenizer.model       also compare the tokenizer with sentencepiece
"""

import argparse
import json
import math
import os
import struct
import sys

import numpy as np

import stories

HERE = os.path.dirname(os.path.abspath(__file__))
HELD_OUT_SEED = 2
HELD_OUT_BYTES = 4096  # held_out.txt stops at the story that reaches this size
CHUNK = 255  # tokens after each BOS when a text is scored
PROMPTS = ["Once upon a time", "One day", "There was a little fox"]
GENERATE = 64  # tokens

# ---------------------------------------------------------------------------------------------
# GGUF


class Reader:
    """Reads little-endian values from a byte string, front to back."""

    SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, code):
        value, = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def string(self):
        n = self.take("Q")
        self.at += n
        return self.data[self.at - n:self.at].decode("utf-8")

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            element, n = self.take("I"), self.take("Q")
            return [self.value(element) for _ in range(n)]
        return self.take(self.SCALARS[kind])


def read_gguf(path):
    """Returns (metadata dict, {name: float32 array}); matrices have shape (rows, columns)."""
    with open(path, "rb") as f:
        r = Reader(f.read())
    if r.data[:4] != b"GGUF":
        raise ValueError("not a GGUF file")
    r.at = 4
    version, tensor_count, meta_count = r.take("I"), r.take("Q"), r.take("Q")
    if version != 3:
        raise ValueError(f"GGUF version {version}")
    meta = {}
    for _ in range(meta_count):
        key = r.string()
        meta[key] = r.value(r.take("I"))
    infos = []
    for _ in range(tensor_count):
        name = r.string()
        ne = [r.take("Q") for _ in range(r.take("I"))]
        infos.append((name, ne, r.take("I"), r.take("Q")))
    align = meta.get("general.alignment", 32)
    base = (r.at + align - 1) // align * align
    tensors, end = {}, base
    for name, ne, kind, offset in infos:
        if offset % align:
            raise ValueError(f"{name} is not aligned")
        count = int(np.prod(ne))
        if kind == 0:
            size = 4 * count
            flat = np.frombuffer(r.data, "<f4", count, base + offset)
        elif kind == 8:
            # 34 bytes a block: an fp16 scale, then 32 signed bytes.
            size = count // 32 * 34
            raw = np.frombuffer(r.data, np.uint8, size, base + offset).reshape(-1, 34)
            scale = raw[:, :2].copy().view("<f2").astype(np.float32)
            flat = (raw[:, 2:].view(np.int8).astype(np.float32) * scale).reshape(-1)
        else:
            raise ValueError(f"{name}: tensor type {kind}")
        tensors[name] = flat.reshape(ne[::-1])
        end = max(end, base + offset + (size + align - 1) // align * align)
    if end != len(r.data):
        raise ValueError(f"file has {len(r.data)} bytes, tensors end at {end}")
    return meta, tensors


# ---------------------------------------------------------------------------------------------
# Tokenizer


class Tokenizer:
    """SentencePiece-style BPE over the tokens and scores of the GGUF file.

    A space becomes U+2581 and one is put in front of the text. Starting from single characters,
    the neighbouring pair whose joined text is a normal token of the highest score is merged, the
    leftmost of equals first, until no pair joins. What is no token then is spelt in byte tokens.
    """

    def __init__(self, meta):
        self.tokens = meta["tokenizer.ggml.tokens"]
        self.kinds = meta["tokenizer.ggml.token_type"]
        self.bos, self.eos = meta["tokenizer.ggml.bos_token_id"], meta["tokenizer.ggml.eos_token_id"]
        scores = meta["tokenizer.ggml.scores"]
        self.rank = {t: (scores[i], i) for i, t in enumerate(self.tokens) if self.kinds[i] == 1}
        self.byte = {int(t[3:5], 16): i for i, t in enumerate(self.tokens) if self.kinds[i] == 6}

    def encode(self, text):
        """Token ids of a text, without BOS."""
        if not text:
            return []
        parts = list("\u2581" + text.replace(" ", "\u2581"))
        # No token crosses a newline or joins onto an earlier word's letters, so a text is merged in
        # runs that begin at U+2581 or at a newline; this is the same result, only faster.
        ids, run = [], []
        for ch in parts:
            if ch in "\u2581\n" and run and run[-1] != "\u2581":
                ids += self._merge(run)
                run = []
            run.append(ch)
        return ids + self._merge(run)

    def _merge(self, parts):
        while True:
            best, where = None, -1
            for i in range(len(parts) - 1):
                found = self.rank.get(parts[i] + parts[i + 1])
                if found and (best is None or found[0] > best):
                    best, where = found[0], i
            if where < 0:
                break
            parts[where:where + 2] = [parts[where] + parts[where + 1]]
        ids = []
        for p in parts:
            if p in self.rank:
                ids.append(self.rank[p][1])
            else:
                ids += [self.byte[b] for b in p.encode("utf-8")]
        return ids

    def decode(self, ids):
        """Text of token ids; control tokens are silent, the leading space is dropped."""
        out = bytearray()
        for i in ids:
            if self.kinds[i] == 6:
                out.append(int(self.tokens[i][3:5], 16))
            elif self.kinds[i] == 1:
                out += self.tokens[i].replace("\u2581", " ").encode("utf-8")
        text = out.decode("utf-8", "replace")
        return text[1:] if text.startswith(" ") else text


# ---------------------------------------------------------------------------------------------
# Model


class Model:
    """The llama architecture in float32 numpy; tensors as read_gguf gives them."""

    def __init__(self, meta, tensors):
        self.t = tensors
        self.layers = meta["llama.block_count"]
        self.heads = meta["llama.attention.head_count"]
        self.kv_heads = meta["llama.attention.head_count_kv"]
        self.hd = meta["llama.embedding_length"] // self.heads
        self.eps = np.float32(meta["llama.attention.layer_norm_rms_epsilon"])
        n = meta["llama.context_length"]
        rot = meta["llama.rope.dimension_count"]
        if rot != self.hd:
            raise ValueError("rope over a part of the head is not written here")
        inv = meta["llama.rope.freq_base"] ** (-np.arange(0, rot, 2) / rot)
        angle = np.arange(n)[:, None] * inv[None, :]
        self.cos, self.sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

    def norm(self, x, name):
        mean = np.mean(x * x, axis=-1, keepdims=True, dtype=np.float32)
        return x / np.sqrt(mean + self.eps) * self.t[name]

    def rope(self, x):
        """x (heads, positions, head size): turn the adjacent pairs (0,1), (2,3), ..."""
        n = x.shape[1]
        a, b = x[..., 0::2], x[..., 1::2]
        out = np.empty_like(x)
        out[..., 0::2] = a * self.cos[:n] - b * self.sin[:n]
        out[..., 1::2] = a * self.sin[:n] + b * self.cos[:n]
        return out

    def split(self, x, heads):
        """(positions, heads * head size) -> (heads, positions, head size)."""
        return x.reshape(len(x), heads, self.hd).transpose(1, 0, 2)

    def logits(self, ids):
        """Token ids from position 0 on -> logits (positions, vocabulary)."""
        t, n = self.t, len(ids)
        x = t["token_embd.weight"][ids]
        mask = np.triu(np.full((n, n), -np.inf, np.float32), 1)
        for i in range(self.layers):
            p = f"blk.{i}."
            h = self.norm(x, p + "attn_norm.weight")
            q = self.rope(self.split(h @ t[p + "attn_q.weight"].T, self.heads))
            k = self.rope(self.split(h @ t[p + "attn_k.weight"].T, self.kv_heads))
            v = self.split(h @ t[p + "attn_v.weight"].T, self.kv_heads)
            out = np.empty_like(q)
            for head in range(self.heads):
                g = head * self.kv_heads // self.heads
                s = q[head] @ k[g].T / np.float32(math.sqrt(self.hd)) + mask
                s = np.exp(s - s.max(axis=-1, keepdims=True))
                out[head] = s / s.sum(axis=-1, keepdims=True) @ v[g]
            x = x + out.transpose(1, 0, 2).reshape(n, -1) @ t[p + "attn_output.weight"].T
            h = self.norm(x, p + "ffn_norm.weight")
            gate = h @ t[p + "ffn_gate.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ t[p + "ffn_up.weight"].T)) @ t[p + "ffn_down.weight"].T
        return self.norm(x, "output_norm.weight") @ t["token_embd.weight"].T  # tied output

    def nll(self, ids):
        """Sum of the negative log likelihoods (nats) of ids[1:], each given all ids before it."""
        z = self.logits(ids[:-1]).astype(np.float64)
        top = z.max(axis=-1)
        log_sum = top + np.log(np.exp(z - top[:, None]).sum(axis=-1))
        return float((log_sum - z[np.arange(len(z)), ids[1:]]).sum())


def text_nll(model, tok, text):
    """Mean nats a token of a text: cut in chunks of CHUNK tokens, a BOS before each, all tokens scored."""
    ids = tok.encode(text)
    total = sum(model.nll([tok.bos] + ids[i:i + CHUNK]) for i in range(0, len(ids), CHUNK))
    return total / len(ids), len(ids)


def stories_nll(model, tok, count):
    """Mean nats a token over whole held-out stories, BOS in front, EOS scored."""
    total, n = 0.0, 0
    for i in range(count):
        ids = [tok.bos] + tok.encode(stories.story(HELD_OUT_SEED, i)) + [tok.eos]
        total, n = total + model.nll(ids), n + len(ids) - 1
    return total / n, n


def greedy(model, tok, prompt):
    """Greedy continuation; min_gap is the smallest top1 - top2 logit difference met on the way."""
    prompt_ids = [tok.bos] + tok.encode(prompt)
    ids, gap, first = list(prompt_ids), math.inf, None
    for _ in range(GENERATE):
        z = model.logits(ids)[-1]
        order = np.argsort(-z, kind="stable")[:4]
        if first is None:
            first = [[int(i), round(float(z[i]), 4)] for i in order]
        gap = min(gap, float(z[order[0]] - z[order[1]]))
        ids.append(int(order[0]))
        if ids[-1] == tok.eos:
            break
    return {"prompt": prompt, "prompt_ids": prompt_ids, "gen_ids": ids[len(prompt_ids):],
            "min_gap": round(gap, 5), "first_logits": first, "text": tok.decode(ids)}


def compare_tokenizer(tok, path, count):
    """Compare ids with sentencepiece on stories and on odd texts; returns the number of differences."""
    import sentencepiece as spm
    sp = spm.SentencePieceProcessor(model_file=path)
    texts = [stories.story(HELD_OUT_SEED, i) for i in range(count)]
    texts += ["", " ", "  two  spaces ", "a\n\nb", "\n", "Zebra-42 (x_y) <0x0A> </s> <s>", "na\u00efve caf\u00e9 \u2581 \u00df \U0001f98a",
              "tabs\tand\rreturns", "ONCE UPON A TIME", "onceuponatime", "x" * 200, "Once upon a time, " * 20]
    wrong = sum(sp.encode(t) != tok.encode(t) for t in texts)
    # The fast run-wise merge must equal the merge of the whole text as well.
    for t in texts[:50] + texts[count:]:
        whole = tok._merge(list("\u2581" + t.replace(" ", "\u2581"))) if t else []
        wrong += whole != tok.encode(t)
    print(f"tokenizer: {len(texts)} texts, {wrong} differ from sentencepiece")
    return wrong


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--gguf", default=os.path.join(HERE, "stories.gguf"))
    ap.add_argument("--stories", type=int, default=300, help="held-out stories to score")
    ap.add_argument("--write", action="store_true", help="write golden.json and held_out.txt")
    ap.add_argument("--checkpoint", help="the trainer's checkpoint.pt, for the float32 perplexity")
    ap.add_argument("--tokenizer", help="the trainer's tokenizer.model, to compare ids with sentencepiece")
    ap.add_argument("--texts", type=int, default=4000, help="stories to compare the tokenizer on")
    args = ap.parse_args()

    meta, tensors = read_gguf(args.gguf)
    tok, model = Tokenizer(meta), Model(meta, tensors)
    golden_path, text_path = os.path.join(HERE, "golden.json"), os.path.join(HERE, "held_out.txt")
    failures = compare_tokenizer(tok, args.tokenizer, args.texts) if args.tokenizer else 0

    if args.write:
        parts = []
        while sum(map(len, parts)) < HELD_OUT_BYTES:
            parts.append(stories.story(HELD_OUT_SEED, len(parts)))
        with open(text_path, "w", encoding="utf-8", newline="\n") as f:
            f.write("\n\n".join(parts) + "\n")
    with open(text_path, encoding="utf-8", newline="") as f:
        text = f.read()

    prompts = [greedy(model, tok, p) for p in PROMPTS]
    nll, count = text_nll(model, tok, text)
    story_nll, story_tokens = stories_nll(model, tok, args.stories)
    held_out = {"text_file": "held_out.txt", "tokens": count, "chunk": CHUNK, "mean_nll_q8_0": round(nll, 6),
                "perplexity_q8_0": round(math.exp(nll), 5),
                "stories": {"seed": HELD_OUT_SEED, "count": args.stories, "tokens": story_tokens,
                            "perplexity_q8_0": round(math.exp(story_nll), 5)}}
    if args.checkpoint:
        import torch
        state = torch.load(args.checkpoint)["model"]
        full = Model(meta, {k: v.numpy() for k, v in state.items()})
        f32 = text_nll(full, tok, text)[0]
        held_out["mean_nll_f32"], held_out["perplexity_f32"] = round(f32, 6), round(math.exp(f32), 5)
        held_out["stories"]["perplexity_f32"] = round(math.exp(stories_nll(full, tok, args.stories)[0]), 5)
    for p in prompts:
        print(f"min gap {p['min_gap']:.4f}  {p['gen_ids']}\n  {p['text']}")
    print(json.dumps(held_out, indent=1))

    if args.write:
        with open(golden_path, "w", encoding="utf-8", newline="\n") as f:
            json.dump({"schema": "heddle.golden/1", "prompts": prompts, "held_out": held_out}, f, indent=1)
            f.write("\n")
    else:
        with open(golden_path, encoding="utf-8") as f:
            golden = json.load(f)
        for want, got in zip(golden["prompts"], prompts):
            if want["prompt_ids"] != got["prompt_ids"] or want["gen_ids"] != got["gen_ids"]:
                print(f"differs from golden.json: {want['prompt']}")
                failures += 1
        if abs(golden["held_out"]["mean_nll_q8_0"] - nll) > 1e-4:
            print("differs from golden.json: held-out likelihood")
            failures += 1
        print("FAILED" if failures else "ok")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
