#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the embedded model: corpus, tokenizer, llama-architecture transformer, GGUF file.

    python3 train.py --work work --steps 3000 --gguf stories.gguf

Everything in between (corpus, tokenizer, checkpoints, log) goes to the --work folder; a run that
was cut short goes on from its last checkpoint with the same command.
"""

import argparse
import io
import json
import math
import os
import random
import time

import numpy as np
import sentencepiece as spm
import torch
import torch.nn as nn
import torch.nn.functional as F

import gguf_write as gg
import stories

TRAIN_SEED, HELD_OUT_SEED, MODEL_SEED = 1, 2, 3
TOKENIZER_STORIES = 20000
HELD_OUT_STORIES = 300

CONFIG = {
    "vocab": 2048, "dim": 192, "layers": 6, "heads": 6, "kv_heads": 2, "ff": 512,
    "context": 512, "eps": 1e-5, "theta": 10000.0,
}
UNK, BOS, EOS = 0, 1, 2


# ---------------------------------------------------------------------------------------------
# Tokenizer and corpus


def train_tokenizer(path):
    """SentencePiece BPE on the first training stories, one paragraph a sentence."""
    def sentences():
        for i in range(TOKENIZER_STORIES):
            for paragraph in stories.story(TRAIN_SEED, i).split("\n\n"):
                yield paragraph

    out = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=sentences(), model_writer=out, model_type="bpe", vocab_size=CONFIG["vocab"],
        byte_fallback=True, character_coverage=1.0, unk_id=UNK, bos_id=BOS, eos_id=EOS, pad_id=-1,
        normalization_rule_name="identity", add_dummy_prefix=True, remove_extra_whitespaces=False,
        num_threads=1, minloglevel=1)
    with open(path, "wb") as f:
        f.write(out.getvalue())


def encode(tokenizer, seed, start, count):
    """Token ids of stories start..start+count-1 of a seed, each BOS ... EOS."""
    return [[BOS] + tokenizer.encode(stories.story(seed, i)) + [EOS] for i in range(start, start + count)]


class Batches:
    """Endless training batches; every story is new, none is used twice.

    Most batches hold whole stories, of like length, one a row, padded with -1 targets. One story in
    twenty-four goes into rows of 512 tokens cut anywhere out of a stream of stories, with a BOS in
    front: they teach the positions beyond one story and to go on from any text.
    """

    def __init__(self, tokenizer, batch_tokens, start=0):
        self.tokenizer, self.batch_tokens, self.next_story = tokenizer, batch_tokens, start
        self.queue = []

    def fill(self):
        """Make the batches of the next 2048 stories."""
        rng = random.Random(f"batches {self.next_story}")
        ids = encode(self.tokenizer, TRAIN_SEED, self.next_story, 2048)
        self.next_story += 2048
        cut = len(ids) * 23 // 24
        whole, stream = sorted(ids[:cut], key=len), [t for s in ids[cut:] for t in s]
        row = []
        for s in whole:
            if row and (len(row) + 1) * len(s) > self.batch_tokens:
                self.queue.append(row)
                row = []
            row.append(s)
        if row:
            self.queue.append(row)
        stream = stream[rng.randrange(400):]
        size = CONFIG["context"]
        rows = [[BOS] + stream[i:i + size] for i in range(0, len(stream) - size, size)]
        per = max(1, self.batch_tokens // size)
        self.queue += [rows[i:i + per] for i in range(0, len(rows) - per + 1, per)]
        rng.shuffle(self.queue)

    def next(self):
        """(inputs, targets), int64 of shape (rows, positions); targets are -1 at padding."""
        if not self.queue:
            self.fill()
        return pad(self.queue.pop())


def pad(rows):
    longest = max(map(len, rows)) - 1
    x = torch.zeros(len(rows), longest, dtype=torch.long)
    y = torch.full((len(rows), longest), -1, dtype=torch.long)
    for i, row in enumerate(rows):
        x[i, :len(row) - 1] = torch.tensor(row[:-1])
        y[i, :len(row) - 1] = torch.tensor(row[1:])
    return x, y


# ---------------------------------------------------------------------------------------------
# Model


class RMSNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIG["eps"]) * self.weight


def rope_table(positions, head_dim):
    """cos and sin, each (positions, head_dim / 2): pair i of position p turns by p * theta^(-2i/head_dim)."""
    inv = CONFIG["theta"] ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angle = torch.arange(positions).float()[:, None] * inv[None, :]
    return angle.cos(), angle.sin()


def rope(x, cos, sin):
    """Rotate the ADJACENT pairs (0,1), (2,3), ... of x (rows, heads, positions, head_dim).

    This is the pairing of llama files in GGUF, so the weights need no permutation on export.
    """
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        dim, heads, kv, ff = CONFIG["dim"], CONFIG["heads"], CONFIG["kv_heads"], CONFIG["ff"]
        self.hd = dim // heads
        self.attn_norm, self.ffn_norm = RMSNorm(dim), RMSNorm(dim)
        self.attn_q = nn.Linear(dim, heads * self.hd, bias=False)
        self.attn_k = nn.Linear(dim, kv * self.hd, bias=False)
        self.attn_v = nn.Linear(dim, kv * self.hd, bias=False)
        self.attn_output = nn.Linear(heads * self.hd, dim, bias=False)
        self.ffn_gate = nn.Linear(dim, ff, bias=False)
        self.ffn_up = nn.Linear(dim, ff, bias=False)
        self.ffn_down = nn.Linear(ff, dim, bias=False)

    def forward(self, x, cos, sin, mask):
        rows, n, _ = x.shape
        heads, kv, hd = CONFIG["heads"], CONFIG["kv_heads"], self.hd
        h = self.attn_norm(x)
        q = self.attn_q(h).view(rows, n, heads, hd).transpose(1, 2)
        k = self.attn_k(h).view(rows, n, kv, hd).transpose(1, 2)
        v = self.attn_v(h).view(rows, n, kv, hd).transpose(1, 2)
        q, k = rope(q, cos, sin), rope(k, cos, sin)
        # Query head i reads KV head i // (heads / kv). The query heads of one KV head are laid
        # out as more rows of one product, so that k and v are not copied.
        group = heads // kv
        q = q.reshape(rows, kv, group * n, hd)
        scores = (q @ k.transpose(-1, -2)) * hd ** -0.5
        scores = scores.view(rows, kv, group, n, n) + mask
        p = scores.softmax(-1).view(rows, kv, group * n, n)
        out = (p @ v).view(rows, heads, n, hd).transpose(1, 2).reshape(rows, n, heads * hd)
        x = x + self.attn_output(out)
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embd = nn.Embedding(CONFIG["vocab"], CONFIG["dim"])
        self.blk = nn.ModuleList(Block() for _ in range(CONFIG["layers"]))
        self.output_norm = RMSNorm(CONFIG["dim"])
        for name, p in self.named_parameters():
            if p.dim() == 2:
                # The two projections into the residual stream start smaller the deeper the model is.
                deep = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * CONFIG["layers"]) if deep else 0.02)
        cos, sin = rope_table(CONFIG["context"], CONFIG["dim"] // CONFIG["heads"])
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, ids):
        """ids (rows, positions) -> hidden states after the last norm (rows, positions, dim)."""
        n = ids.shape[1]
        mask = torch.full((n, n), float("-inf")).triu(1)
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, self.cos[:n], self.sin[:n], mask)
        return self.output_norm(x)

    def loss(self, ids, targets):
        """Mean negative log likelihood, in nats a token, over targets that are not -1."""
        keep = targets.reshape(-1) >= 0
        h = self(ids).reshape(-1, CONFIG["dim"])[keep]
        logits = h @ self.token_embd.weight.T  # tied: the embedding is the output matrix too
        return F.cross_entropy(logits, targets.reshape(-1)[keep])


@torch.no_grad()
def held_out_nll(model, ids):
    """Mean nats a token over whole stories (BOS in front, EOS scored)."""
    total, count = 0.0, 0
    ids = sorted(ids, key=len)
    for i in range(0, len(ids), 32):
        x, y = pad(ids[i:i + 32])
        n = int((y >= 0).sum())
        total, count = total + float(model.loss(x, y)) * n, count + n
    return total / count


@torch.no_grad()
def sample(model, tokenizer, prompt, length=230, temperature=0.0, seed=0):
    """Continue a prompt; temperature 0 is greedy. Slow (no KV cache), for looking only."""
    gen = torch.Generator().manual_seed(seed)
    ids = [BOS] + tokenizer.encode(prompt)
    while len(ids) < length:
        logits = model(torch.tensor([ids]))[0, -1] @ model.token_embd.weight.T
        if temperature == 0:
            t = int(logits.argmax())
        else:
            t = int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=gen))
        if t == EOS:
            break
        ids.append(t)
    return tokenizer.decode(ids[1:])


# ---------------------------------------------------------------------------------------------
# Export


def export(model, tokenizer, path):
    """Write the GGUF file (matrices as Q8_0, norms as F32)."""
    c = CONFIG
    kinds = []
    for i in range(c["vocab"]):
        kinds.append(2 if tokenizer.is_unknown(i) else 3 if tokenizer.is_control(i) else
                     6 if tokenizer.is_byte(i) else 1)
    meta = [
        ("general.architecture", gg.STRING, "llama"),
        ("general.name", gg.STRING, "heddle stories"),
        ("general.license", gg.STRING, "Apache-2.0"),
        ("general.file_type", gg.U32, 7),  # mostly Q8_0
        ("general.alignment", gg.U32, gg.ALIGNMENT),
        ("llama.block_count", gg.U32, c["layers"]),
        ("llama.context_length", gg.U32, c["context"]),
        ("llama.embedding_length", gg.U32, c["dim"]),
        ("llama.feed_forward_length", gg.U32, c["ff"]),
        ("llama.attention.head_count", gg.U32, c["heads"]),
        ("llama.attention.head_count_kv", gg.U32, c["kv_heads"]),
        ("llama.attention.layer_norm_rms_epsilon", gg.F32, c["eps"]),
        ("llama.rope.dimension_count", gg.U32, c["dim"] // c["heads"]),
        ("llama.rope.freq_base", gg.F32, c["theta"]),
        ("llama.vocab_size", gg.U32, c["vocab"]),
        ("tokenizer.ggml.model", gg.STRING, "llama"),
        ("tokenizer.ggml.tokens", (gg.ARRAY, gg.STRING), [tokenizer.id_to_piece(i) for i in range(c["vocab"])]),
        ("tokenizer.ggml.scores", (gg.ARRAY, gg.F32), [tokenizer.get_score(i) for i in range(c["vocab"])]),
        ("tokenizer.ggml.token_type", (gg.ARRAY, gg.I32), kinds),
        ("tokenizer.ggml.bos_token_id", gg.U32, BOS),
        ("tokenizer.ggml.eos_token_id", gg.U32, EOS),
        ("tokenizer.ggml.unknown_token_id", gg.U32, UNK),
        ("tokenizer.ggml.add_bos_token", gg.BOOL, True),
        ("tokenizer.ggml.add_eos_token", gg.BOOL, False),
        ("tokenizer.ggml.add_space_prefix", gg.BOOL, True),
    ]
    state = {k: v.detach().numpy() for k, v in model.state_dict().items()}
    order = ["token_embd.weight", "output_norm.weight"]
    for i in range(c["layers"]):
        order += [f"blk.{i}.{part}.weight" for part in
                  ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output",
                   "ffn_norm", "ffn_gate", "ffn_up", "ffn_down")]
    assert sorted(order) == sorted(state)
    gg.write(path, meta, [(name, state[name]) for name in order])


def load_dequantised(model):
    """A copy of the model whose matrices went through Q8_0 and back."""
    copy = Llama()
    state = model.state_dict()
    copy.load_state_dict({k: torch.from_numpy(gg.quantize_q8_0(v.numpy())[1]) if v.dim() == 2 else v
                          for k, v in state.items()})
    return copy


# ---------------------------------------------------------------------------------------------


def learning_rate(step, steps, peak, warmup=100):
    """Linear warm-up, then a cosine down to a fiftieth of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    t = (step - warmup) / max(1, steps - warmup)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, t))))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--work", default="work", help="folder for tokenizer, checkpoints, log")
    ap.add_argument("--steps", type=int, default=3000)
    ap.add_argument("--batch-tokens", type=int, default=4096)
    ap.add_argument("--lr", type=float, default=2.5e-3)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--eval-every", type=int, default=250, help="steps between checkpoints")
    ap.add_argument("--gguf", default="stories.gguf")
    ap.add_argument("--bench", type=int, default=0, help="time this many steps and stop")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(MODEL_SEED)
    os.makedirs(args.work, exist_ok=True)

    tokenizer_path = os.path.join(args.work, "tokenizer.model")
    if not os.path.exists(tokenizer_path):
        train_tokenizer(tokenizer_path)
    tokenizer = spm.SentencePieceProcessor(model_file=tokenizer_path)
    held_out = encode(tokenizer, HELD_OUT_SEED, 0, HELD_OUT_STORIES)

    model = Llama()
    parameters = sum(p.numel() for p in model.parameters())
    decay = [p for p in model.parameters() if p.dim() == 2]
    rest = [p for p in model.parameters() if p.dim() != 2]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}],
                            lr=args.lr, betas=(0.9, 0.95))
    batches = Batches(tokenizer, args.batch_tokens)
    step, seen, spent = 0, 0, 0.0
    checkpoint = os.path.join(args.work, "checkpoint.pt")
    if os.path.exists(checkpoint) and not args.bench:
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        opt.load_state_dict(saved["opt"])
        step, seen, spent = saved["step"], saved["seen"], saved["spent"]
        batches.next_story = saved["next_story"]
    log = open(os.path.join(args.work, "log.jsonl"), "a", encoding="utf-8")
    print(f"{parameters} parameters, {sum(map(len, held_out)) / len(held_out):.1f} tokens a story", flush=True)

    begin, running = time.time(), []
    while step < args.steps:
        for group in opt.param_groups:
            group["lr"] = learning_rate(step, args.steps, args.lr)
        x, y = batches.next()
        # Matrix products in bfloat16 (three times as fast here); weights and optimiser stay float32.
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model.loss(x, y)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        step, seen = step + 1, seen + int((y >= 0).sum())
        running.append(loss.item())
        if args.bench and step == args.bench:
            print(f"{seen / (time.time() - begin):.0f} tokens/s")
            return
        if step % 50 == 0:
            print(f"step {step} loss {np.mean(running[-50:]):.4f} "
                  f"{(spent + time.time() - begin):.0f} s, {seen} tokens", flush=True)
        if step % args.eval_every == 0 or step == args.steps:
            nll = held_out_nll(model, held_out[:100])
            line = {"step": step, "tokens": seen, "seconds": round(spent + time.time() - begin),
                    "train_nll": round(float(np.mean(running[-args.eval_every:])), 4), "held_out_nll": round(nll, 4),
                    "stories": batches.next_story}
            log.write(json.dumps(line) + "\n")
            log.flush()
            torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "step": step, "seen": seen,
                        "spent": spent + time.time() - begin, "next_story": batches.next_story}, checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)
            export(model, tokenizer, os.path.join(args.work, "latest.gguf"))
            print(line, flush=True)
            print(sample(model, tokenizer, "Once upon a time"), flush=True)

    export(model, tokenizer, args.gguf)
    f32 = held_out_nll(model, held_out)
    q8 = held_out_nll(load_dequantised(model), held_out)
    report = {"parameters": parameters, "steps": step, "tokens": seen, "stories": batches.next_story,
              "seconds": round(spent + time.time() - begin),
              "gguf_bytes": os.path.getsize(args.gguf), "held_out_stories": len(held_out),
              "perplexity_f32": math.exp(f32), "perplexity_q8_0": math.exp(q8)}
    with open(os.path.join(args.work, "report.json"), "w", encoding="utf-8") as f:
        json.dump(report, f, indent=1)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
