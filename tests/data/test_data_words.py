"""Words at the boundaries of Unicode: `rnncli.data.words`, and the spaces between them: `rnncli.data.spacing`."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from unicodedata import normalize

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data import words
from rnncli.data.text import detokenize, tokenize

SENTENCES = {
    "Hindi": "यह एक छोटा वाक्य है, और हिन्दी में लिखा गया है।",
    "Bengali": "আমি আজ বাড়ি যাচ্ছি, তুমি কি আসবে?",
    "Tamil": "நான் நேற்று ஒரு புத்தகம் படித்தேன், கொஞ்சம் தூங்கினேன்.",
    "Telugu": "నేను తెలుగు మాట్లాడుతున్నాను, మీరు ఎలా ఉన్నారు?",
    "Malayalam": "എനിക്ക് മലയാളം അറിയാം, നിങ്ങൾക്കോ?",
    "Sinhala": "ශ්‍රී ලංකාව ලස්සන රටක්.",
    "Thai": "เขาพูดภาษาไทยได้ดี แต่เขียนไม่เป็น 2 คำ",
    "Lao": "ຂ້ອຍ ເວົ້າ ພາສາລາວ ກຳລັງ",
    "Khmer": "ខ្ញុំចេះភាសាខ្មែរ ហើយអ្នកស្រឡាញ់វា។",
    "Burmese": "မြန်မာစကား ပြောတတ်ပါသလား။",
    "Hebrew": "בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם; צה\"ל, ג'ירפה ועַל־פְּנֵי.",
    "Arabic": "قَالَ الوَلَدُ: هَلْ قَرَأْتَ الكِتَابَ، يا صديقي؟",
    "Persian": "می‌خواهم کتاب‌ها را بخوانم، اما نمی‌توانم.",
    "Urdu": "یہ اردو کا ایک جملہ ہے، کیا آپ سمجھتے ہیں؟ جی ہاں۔",
    "Chinese": "他说：“今天是2024年3月5日，天气很好。”我用Python 写程序。",
    "Japanese": "「東京」はガラスのビルが多い。 ２０２４年にﾊﾟﾝを食べた。",
    "Korean": "나는 학교에 갔다, 그리고 Python을 배웠다.",
    "Vietnamese": "Tôi không hiểu tiếng Việt, nhưng tôi muốn học (thật đấy)!",
    "Greek": "Ἐν ἀρχῇ ἦν ὁ λόγος, καὶ ὁ λόγος ἦν πρὸς τὸν θεόν· τί λέγεις;",
    "Russian": "Он сказал: «Йод и ёлка!», но никто не ответил.",
    "Ukrainian": "Сім'я та об’єкт: їхній ґанок.",
    "Serbian": "Рекао је: „Добар дан“, и отишао.",
    "Georgian": "საქართველო ლამაზი ქვეყანაა, არა?",
    "Armenian": "Բարև, ինչպե՞ս ես։ Լավ եմ։",
    "Amharic": "ሰላም፣ እንዴት ነህ? ደህና ነኝ።",
    "Tibetan": "བོད་སྐད། བཀྲ་ཤིས་བདེ་ལེགས།",
    "Turkish": "Türkiye'nin başkenti Ankara'dır, İstanbul değil.",
    "Polish": "Powiedział: „Zażółć gęślą jaźń” i wyszedł.",
    "Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "French": "L’été, c’est-à-dire «\u202foui\u202f»\u00a0: ça va\u202f? 10\u202f000\u00a0€, s’il vous plaît.",
    "German": "Die Größe der „Übung“ kostet 1.234,50 € – z.B. für 20\u00a0% mehr.",
    "Spanish": "¿Qué pasó, mañana? ¡Nada! Él dijo: «sí».",
    "Portuguese": "Não há coração, disse-me o avô: amanhã às 10:30.",
    "Hungarian": "Árvíztűrő tükörfúrógép, ugye?",
    "Finnish": "Hän sanoi: ”Äiti, tule tänne!” ja lähti.",
    "Danish": "Han sagde: »Blåbærgrød på øen«, og gik.",
    "Catalan": "La col·lecció d'art és a l'Eixample.",
    "Swahili": "Ng'ombe wangu hawali majani, wanakula ng’ambo.",
    "Yoruba": "Ọjọ́ dára, ṣé o ń gbọ́ èdè Yorùbá?",
    "Icelandic": "Það er gott veður í dag, þó að ég sé þreyttur.",
    "emoji": "Danke 👍🏽👩‍👩‍👧‍👦 aus 🇩🇪🇫🇷! Nr. 1️⃣ ❤️.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_both_forms_of_a_sentence_have_the_same_words_and_come_back(language):
    composed, taken_apart = (normalize(form, SENTENCES[language]) for form in ("NFC", "NFD"))
    assert [normalize("NFC", word) for word in tokenize(taken_apart, "word")] == tokenize(composed, "word")
    for text in (composed, taken_apart):
        assert detokenize(tokenize(text, "word"), "word") == text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("தமிழ் ಕನ್ನಡ", ["தமிழ்", "ಕನ್ನಡ"]),
        ('קָרָא צה"ל ג\' "א"', ["קָרָא", 'צה"ל', "ג'", '"', "א", '"']),
        ("قَالَ، می‌خواهم", ["قَالَ", "،", "می‌خواهم"]),
        ("cafe\u0301 nai\u0308ve", ["cafe\u0301", "nai\u0308ve"]),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af 한글은", ["\u1112\u1161\u11ab\u1100\u1173\u11af", "한글은"]),
        ("你好 世界，ab是", ["你", "好", " ", "世", "界", "，", "ab", "是"]),
        ("カタカナ か\u3099ー", ["カ", "タ", "カ", "ナ", " ", "か\u3099", "ー"]),
        ("กำลัง ok", ["กำ", "ลั", "ง", " ", "ok"]),
        ("ខ្មែរ မန္တ", ["ខ្មែ", "រ", " ", "မ", "န္တ"]),
        ("👩‍👩‍👧‍👦👍🏽🇩🇪🇫🇷1️⃣❤️", ["👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "🇫🇷", "1️⃣", "❤️"]),
        ("l’été c'est 90's rock'n'roll", ["l’été", "c'est", "90's", "rock'n'roll"]),
        ("well-known vis‐à‐vis עַל־פִּי 2-3", ["well-known", "vis‐à‐vis", "עַל־פִּי", "2-3"]),
        ("1,234.5 ١٬٢٣٤ 10\u202f000 3.a a.3", ["1,234.5", "١٬٢٣٤", "10\u202f000", "3", ".", "a", "a", ".", "3"]),
        ("e.g. example.com snake_case __x__", ["e.g", ".", "example.com", "snake_case", "__x__"]),
        ("$5 new@@ <sep>", ["$", "5", "new", "@", "@", "<", "sep", ">"]),
        ("20\u00a0% a\u3000b", ["20", "\u00a0", "%", "a", "\u3000", "b"]),
        (" \u0301x", ["\u0301", "x"]),
        ("a\r\nb\rc\n", ["a", "\n", "b", "\n", "c", "\n"]),
    ],
)
def test_words_of_many_scripts(text, tokens):
    assert tokenize(text, "word") == tokens


@pytest.mark.parametrize(
    "text",
    [
        'He said, "No." She (who?) didn\'t... "Why?" he asked.',
        "It costs $5, not 5 €; see #7 and @you: 10:30, 1990–2000, and/or -5 (or x = -3).",
        "The dogs' bones, rock 'n' roll, ‘so’ it’s “fine”!",
        "well -- word *** 50% of 20° = e.g. U.S. troops; http://example.com/a_b",
        "`code` here, [sic] {x}, 3 - 5 = -2, ¿qué?",
        "她说 OK，用 C 语言 (3 个) 吗？ᠮ",
    ],
)
def test_spaces_are_put_back_as_people_write(text):
    assert detokenize(tokenize(text, "word"), "word") == text


LETTERS = (
    "aZ9_.,:;'’‘\"-–—/$%@#( )[]«»“”„\n\r\t \u00a0\u202f\u3000\u200b\u200d\u200c\u0301\u05b0\u05d0\u05d1क\u094d\u093f"
    "你カがか\u3099ーสวั\u0e33\u17d2\u1780\u1039\u1000😀👩🇩🇫©ℹ\U0001f3fd\u0e01\u0f40\u0f0b·：，．＇\u2010\u05be…+=\u0600\ufeff\u200f"
    "\u00ad\uff9e각\u1100\u1161\x0b\x85\u2028"
)
TEXTS = st.text(st.sampled_from(LETTERS), max_size=14)


@given(TEXTS)
def test_the_words_of_what_is_written_are_the_same(text):
    found = tokenize(text, "word")
    assert tokenize(detokenize(found, "word"), "word") == found


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_has_a_pattern_of_its_own_with_the_same_answers(text):
    assert words._ASCII.findall(text) == words._pattern().findall(text) == words.cut(text)


@given(TEXTS)
def test_a_text_that_is_cut_at_spaces_first_has_the_same_words(text):
    assert words.cut(text) == words._pattern().findall(text)


def test_regex_is_loaded_for_other_than_ascii_alone():
    code = "import sys; from rnncli.data.text import *; print(detokenize(tokenize('a, b', 'word'), 'word')); "
    out = subprocess.check_output([sys.executable, "-c", code + "print('regex' in sys.modules)"], text=True)
    assert out == "a, b\nFalse\n"


# The rules WB3 to WB13 of UAX #29, and the tailoring, one by one and character by character.


def is_a(character, *properties):
    return any(regex.match(rf"\p{{{name}}}", character) for name in properties)


def is_mark(character):
    return is_a(character, "WB=Extend", "WB=Format", "WB=ZWJ")


def is_cjk(character):
    return is_a(character, "Han", "Hiragana", "Katakana", "WB=Katakana")


def is_stacked(character):
    return is_a(character, "Line_Break=SA") and not is_mark(character)


def is_letter(character):
    return is_a(character, "WB=ALetter", "WB=Hebrew_Letter") and not is_cjk(character)


def is_digit(character):
    return is_a(character, "WB=Numeric")


def is_connector(character):
    return is_a(character, "WB=ExtendNumLet") and character != "\u202f"


def is_space(character):
    return character.isspace() and character not in "\r\n\u00a0\u2007\u202f\u3000"


def is_unspaced(character):
    kinds = "\u3000" < character < "\u3040" or character in "\u30a0\u30fb" or "\uff01" <= character <= "\uff65"
    return is_cjk(character) or is_stacked(character) or (kinds and not character.isalnum() and not is_mark(character))


def joined(text, i):
    """True if no boundary is before text[i]."""
    if text[i - 1 : i + 1] == "\r\n":
        return True
    if any(one in "\r\n" or is_space(one) for one in text[i - 1 : i + 1]):
        return False  # WB3a, WB3b
    if text[i - 1] == "\u200d" and is_a(text[i], "Extended_Pictographic"):
        return True  # WB3c
    if is_mark(text[i]):
        return True  # WB4
    apart = regex.compile(r"[\r\n]|" + "|".join(map(regex.escape, filter(is_space, set(text) | {" "}))))
    near = [one for one in regex.split(apart, text[:i])[-1] if not is_mark(one)]
    last, second = ([*near[::-1], "", ""])[:2]
    b, after = ([one for one in regex.split(apart, text[i:])[0] if not is_mark(one)] + [""])[:2]
    both = {"letters": is_letter, "digits": is_digit}

    def between(kind, middles, before, middle, behind):
        return all((before, middle, behind)) and kind(before) and is_a(middle, *middles) and kind(behind)

    letters, digits = (
        ("WB=MidLetter", "WB=MidNumLet", "WB=Single_Quote"),
        ("WB=MidNum", "WB=MidNumLet", "WB=Single_Quote"),
    )
    quote = ("WB=Double_Quote",)

    def hebrew(one):
        return is_a(one, "WB=Hebrew_Letter")

    def wordy(one):
        return any(kind(one) for kind in both.values())

    if not last:
        return False
    if (wordy(last) or is_connector(last)) and (wordy(b) or is_connector(b)):
        return True  # WB5, WB8, WB9, WB10, WB13a, WB13b
    for kind, middles in ((is_letter, letters), (is_digit, digits), (hebrew, quote)):
        if between(kind, middles, last, b, after) or between(kind, middles, second, last, b):
            return True  # WB6, WB7, WB7b, WB7c, WB11, WB12
    if hebrew(last) and b == "'":
        return True  # WB7a
    inner = "'’-\u058a\u05be\u2010\u2011\u202f"
    if (wordy(last) and b in inner and after and wordy(after)) or (
        second and wordy(second) and last in inner and wordy(b)
    ):
        return True  # tailored
    if is_a(b, "Regional_Indicator"):  # WB15, WB16
        return next((n for n, one in enumerate(near[::-1]) if not is_a(one, "Regional_Indicator")), len(near)) % 2 == 1
    if is_stacked(last) and b in "\u0e33\u0eb3":
        return True  # tailored
    return is_stacked(last) and is_stacked(b) and text[i - 1] in "\u1039\u17d2"  # tailored


def cut_by_rules(text):
    starts = [i for i in range(len(text)) if i == 0 or not joined(text, i)]
    found, spaces = [], ""
    for start, stop in pairwise([*starts, len(text)]):
        piece = text[start:stop]
        if is_space(piece):
            spaces += piece
            continue
        before = [one for one in "".join(found[-1:]) if not is_mark(one)] if spaces else []
        if spaces and ((before and is_unspaced(before[-1])) or is_unspaced(piece[0])):
            found.append(spaces)
        found.append(piece)
        spaces = ""
    before = [one for one in "".join(found[-1:]) if not is_mark(one)]
    return [*found, spaces] if spaces and before and is_unspaced(before[-1]) else found


@given(TEXTS)
def test_words_are_cut_by_the_rules_of_uax_29(text):
    assert words.cut(text) == cut_by_rules(text)
