"""What a paper can be muted by: narrow topics first, and nothing that holds every sentence together."""

from digest.core.topics import topics


def test_keywords_pairs_rare_words_and_the_categories_that_a_reader_gets_are_offered() -> None:
    common = {"sparse": 40, "attention": 900, "long": 500, "documents": 300}
    offered = topics(
        "Sparse attention for long documents in 40 languages",
        ["cs.CL", "cs.LG"],
        ["Sparse Attention", "transformers"],
        gets=["cs.LG"],
        common=lambda word: common.get(word, 5),
    )
    assert offered == (
        "Sparse Attention",
        "transformers",
        "long documents",
        "languages",
        "sparse",
        "documents",
        "long",
        "cs.LG",
    )


def test_without_wishes_every_category_is_offered_and_a_title_without_words_offers_none() -> None:
    assert topics("The what of it", ["hep-th", "gr-qc"], []) == ("hep-th", "gr-qc")
    assert topics("数 学", ["math.NT"], []) == ("math.NT",)
