import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.lexical import CHARACTER_WEIGHT, LexicalEncoder, term_index
from memsvc.types import SparseVector

ENCODER = LexicalEncoder()


LANGUAGES = st.sampled_from(["en", "de", "ru", "ar", "hi", "tr", "zh", "ja", "ko", "th", "und"])


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
    wanted = {term_index("cat"): 1.0, term_index("cats"): 1.0, term_index("dog"): 1.0}
    assert weights(ENCODER.query("cat cats dog")) == wanted


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
    for vector in (ENCODER.document(text, "de"), ENCODER.query(text, ("de", "tr"))):
        assert list(vector.indices) == sorted(set(vector.indices))
        assert len(vector.indices) == len(vector.values)
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(value > 0 for value in vector.values)


@given(st.text(), LANGUAGES)
def test_a_document_answers_its_own_words(text: str, language: str) -> None:
    assert set(ENCODER.query(text, (language,)).indices) >= set(ENCODER.document(text, language).indices)


def matches(document: str, its_language: str, query: str, *languages: str) -> bool:
    found = ENCODER.document(document, its_language)
    return not set(found.indices).isdisjoint(ENCODER.query(query, languages).indices)


@pytest.mark.parametrize(
    ("language", "document", "query"),
    [
        ("de", "Wir haben die Wohnungen besichtigt.", "Welche Wohnung?"),
        ("es", "Mis gatos duermen.", "¿Y el gato?"),
        ("ru", "Она живёт с двумя кошками.", "Как зовут кошку?"),
        ("tr", "Evler çok güzel.", "ev nerede"),
        ("ar", "زرت المكتبة أمس", "أين مكتبة المدينة؟"),
        ("zh", "我的猫叫小花。", "猫"),
        ("ja", "猫の名前はタマです。", "猫は？"),
        ("ko", "고양이를 키워요.", "고양이의 이름은?"),
        ("th", "แมวของฉันชื่อมะลิ", "แมวชื่ออะไร"),
        ("km", "ឆ្មារបស់ខ្ញុំឈ្មោះមីមី", "ឆ្មាឈ្មោះអ្វី"),
        ("lo", "ແມວຂອງຂ້ອຍຊື່ມີມີ", "ແມວຊື່ຫຍັງ"),
        ("my", "ကျွန်တော့်ကြောင် နာမည် မီမီ", "ကြောင် နာမည် ဘာလဲ"),
    ],
)
def test_other_forms_of_a_word_match_in_its_language(language: str, document: str, query: str) -> None:
    assert matches(document, language, query, language)


@pytest.mark.parametrize("its_language", ["en", "de", "fr", "pt", "und"])
@pytest.mark.parametrize("languages", [("en",), ("de",), ("es", "pt", "en"), ("fr",)])
@pytest.mark.parametrize("name", ["Charles", "Müller", "Marie", "Buildings", "Paris"])
def test_a_word_matches_itself_whatever_the_languages(its_language: str, languages: tuple[str, ...], name: str) -> None:
    assert matches(name, its_language, name, *languages)


def test_an_unsure_query_is_stemmed_in_each_of_its_languages() -> None:
    assert matches("Ela comprou as casas.", "pt", "casa?", "es", "pt")


def test_single_characters_count_half_beside_their_pairs() -> None:
    assert weights(ENCODER.query("小猫", ("zh",))) == {
        term_index("小猫"): 1.0,
        term_index("小"): CHARACTER_WEIGHT,
        term_index("猫"): CHARACTER_WEIGHT,
    }
    assert weights(ENCODER.query("猫", ("zh",))) == {term_index("猫"): 1.0}
