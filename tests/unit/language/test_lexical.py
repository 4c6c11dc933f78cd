import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.lexical import LexicalEncoder, term_index
from memsvc.types import SparseVector

ENCODER = LexicalEncoder()


def weights(vector: SparseVector) -> dict[int, float]:
    return dict(zip(vector.indices, vector.values, strict=True))


def test_no_content_words_make_an_empty_vector() -> None:
    assert ENCODER.document("the of and") == SparseVector((), ())
    assert ENCODER.query("") == SparseVector((), ())


def test_document_weights_are_bm25_without_idf() -> None:
    vector = LexicalEncoder(k1=1.5, b=0.5, average_length=2.0).document("cats and cats and dogs and mice")
    norm = 1.5 * (0.5 + 0.5 * 4 / 2)
    assert weights(vector) == pytest.approx(
        {
            term_index("cat"): 2 * 2.5 / (2 + norm),
            term_index("dog"): 2.5 / (1 + norm),
            term_index("mice"): 2.5 / (1 + norm),
        }
    )


def test_query_weights_count_each_distinct_term_once() -> None:
    assert weights(ENCODER.query("cat cats dog")) == {term_index("cat"): 1.0, term_index("dog"): 1.0}


def test_longer_documents_weigh_a_term_less() -> None:
    short = weights(ENCODER.document("ferret"))[term_index("ferret")]
    long = weights(ENCODER.document("ferret " + "cage " * 60))[term_index("ferret")]
    assert long < short


def test_term_indices_never_change() -> None:
    assert term_index("ferret") == 3867604742


def test_terms_that_share_an_index_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsvc.language.lexical.term_index", lambda _term: 7)
    assert ENCODER.query("cat dog") == SparseVector((7,), (2.0,))


@given(st.text())
def test_indices_ascend_and_weights_are_positive(text: str) -> None:
    for vector in (ENCODER.document(text), ENCODER.query(text)):
        assert list(vector.indices) == sorted(set(vector.indices))
        assert len(vector.indices) == len(vector.values)
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(value > 0 for value in vector.values)


@given(st.text())
def test_a_document_answers_its_own_words(text: str) -> None:
    assert set(ENCODER.query(text).indices) == set(ENCODER.document(text).indices)
