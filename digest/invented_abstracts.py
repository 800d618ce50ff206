"""Abstracts that the demo makes up, since it carries no real ones: enough for its papers to be near one another."""

from __future__ import annotations

import re

from digest.core.text import title_key

# Nobody is to take these for the authors' own words.
_PREFACE = "Made up for the demo, from the title and from our own summary."
_MOST_TOPICS = 3
# Beginnings of words in a title or summary, and what is then said of the topic. What is said twice brings papers
# near one another, so each topic speaks in words of its own.
_TOPICS = (
    (
        ("prun", "spars", "lottery", "compress"),
        "Pruning removes weights until a sparse network is left. Sparsity is measured layer by layer, with masks that "
        "are fixed early or grown again, against dense baselines of equal size.",
    ),
    (
        ("quanti", "precision", "bit"),
        "Weights and activations are quantized to few bits. Outliers decide which channels keep high precision, and "
        "calibration needs a few hundred sequences.",
    ),
    (
        ("attention", "transformer", "token"),
        "Attention heads of a transformer are examined token by token. Positional encodings, softmax temperature and "
        "the cache of keys and values bound how long a context can grow.",
    ),
    (
        ("language", "llm", "gemini", "decod", "prompt"),
        "A large language model is prompted, pretrained and finetuned on corpora of text. Perplexity and decoding cost "
        "are reported beside accuracy on question answering.",
    ),
    (
        ("generat", "diffusion", "flow", "synthe", "gan"),
        "A generative model learns to denoise samples along a diffusion path. Guidance, sampling steps and likelihood "
        "are traded for fidelity and diversity.",
    ),
    (
        ("batch", "normali", "initiali"),
        "Normalization of batch statistics and initialization of layers set the scale of activations. Residual "
        "branches without normalization need another way to keep the variance of signals.",
    ),
    (
        ("gradient", "hessian", "optimi", "descent", "stochastic", "curvature", "learning rate", "momentum"),
        "Stochastic gradient descent is followed through the loss landscape. Curvature, the spectrum of the Hessian, "
        "learning rate and momentum explain where optimization ends.",
    ),
    (
        ("supervised", "contrastive", "representation", "invarian", "augment"),
        "Self-supervised representations are learned from augmented views without labels. Contrastive objectives and "
        "invariance to augmentation are judged by linear probes.",
    ),
    (
        ("robust", "adversar", "corrupt", "shift", "domain", "transfer"),
        "Robustness is tested under corruption, adversarial perturbation and distribution shift. Transfer to an unseen "
        "domain shows which features were spurious.",
    ),
    (
        ("image", "vision", "convol", "picture", "segment", "visual", "video"),
        "Convolutional and vision backbones classify, segment and detect objects in images. Resolution, texture and "
        "shape of the pictures are varied one at a time.",
    ),
    (
        ("hopfield", "memor", "recurrent", "series", "sequence"),
        "An associative memory stores patterns and retrieves them from recurrent states. Capacity grows with the "
        "energy function, and forecasting of sequences draws on rare past patterns.",
    ),
    (
        ("reinforce", "agent", "preference", "reward", "policy", "human"),
        "An agent improves its policy from rewards, or from preferences that people state. Exploration, reward models "
        "and disagreement among annotators are examined.",
    ),
    (
        ("music", "audio", "speech", "song", "sound"),
        "Spectrograms of music and speech are separated into voices. Melodies are compared by pitch and onset, "
        "whatever the timbre of the recording.",
    ),
    (
        ("theor", "bound", "proof", "converge", "guarantee", "linear", "kernel"),
        "A theorem bounds the generalization error in the infinite-width limit. The kernel regime is separated from "
        "feature learning, and convergence rates are proved.",
    ),
    (
        ("fair", "bias", "stereotyp", "societ", "job", "ethic", "survey"),
        "Stereotypes and unequal error rates are audited across groups of people. A survey of practice names who is "
        "harmed, and which documentation would have helped.",
    ),
)
_ELSE = "Experiments vary one factor at a time, and an ablation tells which part of the method matters."


def invented_abstract(title: str, summary: str) -> str:
    """Make up the abstract of a paper from its title and our summary of it: the same every time, and saying so."""
    words = title_key(f"{title} {summary}")
    found = [said for beginnings, said in _TOPICS if any(re.search(rf"\b{one}", words) for one in beginnings)]
    return " ".join([_PREFACE, *filter(None, [summary.strip()]), *(found[:_MOST_TOPICS] or [_ELSE])])
