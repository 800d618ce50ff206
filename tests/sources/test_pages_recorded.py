"""The five recorded pages, pinned."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest.core.capture import Capture, Reading
from digest.errors import RefusedInput
from digest.sources.pages import Pages

pytestmark = pytest.mark.shared

AUTHORS_004 = """
    Resurrecting Recurrent Neural Networks for Long Sequences|Antonio Orvieto
    Unlocking Accuracy and Fairness in Differentially Private Image Classification|Leonard Berrada
    Unlocking High-Accuracy Differentially Private Image Classification through Scale|Soham De
    Finite-Width Guarantees and Benefits of Complex Eigenvalues|Antonio Orvieto
    Differentially Private Diffusion Models Generate Useful Synthetic Images|Sahra Ghalebikesabi
    ConvNets Match Vision Transformers at Scale|Samuel L. Smith
    Regularising for invariance to data augmentation improves supervised learning|Aleksander Botev
    Reducing Polarization on Social Media without Sacrificing Engagement|Jonathan Stray
    The Illusion of Stochasticity in LLMs|Xiangming Gu
    Question the Questions: Auditing Representation in Online Deliberative Processes|Soham De
    Gemma: Open Models Based on Gemini Research and Technology|Gemma Team
    Mixing Gated Linear Recurrences with Local Attention for Efficient Language Models|Soham De
    High-Performance Large-Scale Image Recognition Without Normalization|Andrew Brock
    RecurrentGemma: Moving Past Transformers for Efficient Open Language Models|Aleksandar Botev
    How do language models learn facts? Dynamics, curricula and hallucinations|Nicolas Zucchet
    Optimizers Qualitatively Alter Solutions And We Should Leverage This|Razvan Pascanu
    Between Parallel and Sequential Sampling in Large Reasoning Models|Xiangming Gu
    From job titles to jawlines: Using context voids to study generative AI systems|Shahan Ali Memon
    A study on the plasticity of neural networks|Tudor Berariu
    Drawing Multiple Augmentation Samples Per Image During Training Efficiently Decreases Test Error|Stanislav Fort
    On the Origin of Implicit Regularization in Stochastic Gradient Descent|Samuel L. Smith
    Characterizing signal propagation to close the performance gap in unnormalized ResNets|Andrew Brock
    BYOL works even without batch statistics|Pierre H. Richemond
    On the Generalization Benefit of Noise in Stochastic Gradient Descent|Samuel L. Smith
    Batch Normalization Biases Residual Blocks Towards the Identity Function in Deep Networks|Soham De
    Adversarial Robustness through Local Linearization|Chongli Qin
    Overparameterization on Gradient Confusion and Stochastic Gradient Descent|Karthik A. Sankararaman
    in non-convex optimization and an empirical comparison to Nesterov acceleration|Soham De
    Training Quantized Nets: A Deeper Understanding|Hao Li
    Son of Zorn's Lemma: Targeted Style Transfer Using Instance-aware Semantic Segmentation|Carlos Castillo
    An Empirical Study of ADMM for Nonconvex Problems|Zheng Xu
    Big Batch SGD: Automated Inference using Adaptive Batch Sizes|Soham De
    Efficient Distributed SGD with Variance Reduction|Soham De
    Variance Reduction for Distributed Stochastic Gradient Descent|Soham De
    Layer-Specific Adaptive Learning Rates for Deep Networks|Bharat Singh
    Plagiarism Detection in Polyphonic Music using Monaural Signal Separation|Soham De
"""


def recorded(shared: Path, number: str, *, captured_on: date | None = date(2026, 5, 20)) -> Capture:
    (path,) = (shared / "seeds").glob(f"{number}_*.txt")
    observed_at = datetime(2026, 5, 20, 6, tzinfo=UTC)
    return Pages().read(path.read_bytes(), Reading(observed_at=observed_at, origin=path.name, captured_on=captured_on))


@pytest.mark.parametrize(("number", "papers"), [("000", 25), ("001", 24), ("002", 21), ("003", 195), ("004", 36)])
def test_every_paper_of_a_recorded_page_is_read(shared: Path, number: str, papers: int) -> None:
    capture = recorded(shared, number)

    assert (len(capture.listings), capture.rejected, capture.reason) == (papers, [], "")
    assert all(listing.abstract for listing in capture.listings)


def test_the_percentiles_belong_to_their_papers(shared: Path) -> None:
    found = {listing.title: listing.percentile for listing in recorded(shared, "001").listings if listing.percentile}

    assert found == {
        "The Finetuner's Fallacy: When to Pretrain with Your Finetuning Data": 99.6,
        "20/20 Vision Language Models: A Prescription for Better VLMs through Data Curation Alone": 87.4,
    }


def test_glued_titles_and_authors_come_apart(shared: Path) -> None:
    expected = [line.strip().split("|") for line in AUTHORS_004.strip().splitlines()]
    listings = recorded(shared, "004").listings

    assert [listing.authors[0] for listing in listings] == [author for _, author in expected]
    for listing, (title, _) in zip(listings, expected, strict=True):
        assert listing.title.endswith(title)
        assert 1 < len(listing.authors) <= 3


@pytest.mark.parametrize("number", ["001", "002", "004"])
def test_a_recorded_page_with_undated_months_needs_its_day(shared: Path, number: str) -> None:
    with pytest.raises(RefusedInput, match="--captured-on"):
        recorded(shared, number, captured_on=None)


def test_an_undated_month_after_the_capture_is_last_years(shared: Path) -> None:
    days = {
        listing.title[:3]: listing.listed_on
        for listing in recorded(shared, "001", captured_on=date(2026, 5, 11)).listings
    }

    assert days["20/"] == date(2025, 5, 12)
    assert days["The"] is not None


def test_the_first_result_is_freed_of_the_subscribe_button(shared: Path) -> None:
    first = recorded(shared, "003").listings[0]

    assert first.title.startswith("Polar Sparsity: High Throughput")
    assert (first.observations[0].value, first.observations[0].of) == (1, 195)
