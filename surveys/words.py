"""Vietnamese words as people type them, and the phrases that mean something in any survey.

A word is compared twice: by its plain letters (``nữ`` → ``nu``) and by its shape, the letters with their
quality marks and the tone at the end, wherever the tone was typed (``hoà``, ``hòa`` → the same shape). Who
types no marks, or some of them, means every word they fit; who types other marks means another word: ``nu``
and ``nư`` can be ``nữ``, ``nú`` can't. Hỏi and ngã are taken for each other, since half of the country
speaks them alike.

Slips of the two usual keyboards are undone by their own rules: VNI (``kho6ng``) and Telex (``khoong``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from surveys.letters import fold

# ── letters ───────────────────────────────────────────────────────────────────────────────────────────

_TONES = {"\u0300": "`", "\u0301": "´", "\u0303": "~", "\u0309": "?", "\u0323": "."}
_ALIKE = ({"?", "~"},)
_VOWELS = "aăâeêioôơuưy"


def _toned() -> Iterator[tuple[str, str, str]]:
    for vowel in _VOWELS:
        for mark, tone in _TONES.items():
            yield unicodedata.normalize("NFC", vowel + mark), vowel, tone


_TONE_OF = {letter: tone for letter, _, tone in _toned()}
_WITHOUT_TONE = str.maketrans({letter: vowel for letter, vowel, _ in _toned()})
_WITH_TONE = {(vowel, tone): letter for letter, vowel, tone in _toned()}
_BARE = {"ă": "a", "â": "a", "ê": "e", "ô": "o", "ơ": "o", "ư": "u", "đ": "d"}
_PLAIN = {**_BARE, **{letter: _BARE.get(vowel, vowel) for letter, vowel, _ in _toned()}}
_PLAINED = str.maketrans(_PLAIN)

_WIDE = {0xFF01 + at: 0x21 + at for at in range(94)} | {0x3000: 0x20}
_LOOKALIKE = {ord("ð"): "đ", ord("ɖ"): "đ", ord("Ð"): "đ", ord("Ɖ"): "đ", ord("’"): "'", ord("‘"): "'"}
_CIRCLED = {0x2460 + at: str(at + 1) for at in range(20)}
_KEYCAP = {0x20E3: None, 0xFE0F: None}
_SAME: Mapping[int, int | str | None] = {**_WIDE, **_LOOKALIKE, **_CIRCLED, **_KEYCAP}
_MARKS = re.compile("[\u0300-\u036f]+")


def narrow(text: str) -> str:
    """``text`` with full-width letters and digits narrow; nothing else is changed."""
    return text if text.isascii() else text.translate(_WIDE)


def even(text: str) -> str:
    """``text`` in lower case and NFC; full-width letters and digits narrow, look-alikes of đ made đ.

    Nothing else is taken for its look-alike: a superscript is no digit.
    """
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", text.translate(_SAME).lower())
    return _MARKS.sub("", text)


_AGAIN = 64
"""Results kept for what one reply is asked again and again."""


class Word(NamedTuple):
    """One word: its plain letters, and its shape (quality marks kept, the tone as a sign at the end)."""

    plain: str
    shape: str


Words = tuple[Word, ...]


_LAST_Y = re.compile(r"[hklmst][yỳýỷỹỵ]")
_I_FOR_Y = str.maketrans("yỳýỷỹỵ", "iìíỉĩị")


@lru_cache(maxsize=4096)
def word(text: str) -> Word:
    """One word of an :func:`even` text. Numbers lose their leading zeros; *kỹ*, *lý*, *tỷ* are *kĩ*, *lí*,
    *tỉ*, as schoolbooks have them."""
    if len(text) == 2 and _LAST_Y.fullmatch(text):
        text = text.translate(_I_FOR_Y)
    if text.isascii():
        if text.isdecimal():
            text = text.lstrip("0") or "0"
        return Word(text, text)
    plain = text.translate(_PLAINED)
    if not plain.isascii():
        plain = fold(plain)
    tones = "".join(sorted({_TONE_OF[letter] for letter in text if letter in _TONE_OF}))
    return Word(plain, text.translate(_WITHOUT_TONE) + tones)


_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=_AGAIN)
def words(text: str) -> Words:
    """The words and numbers of ``text``; everything between them is left out."""
    return tuple([word(found) for found in _WORD.findall(even(text))])


def plain(some: Iterable[Word]) -> str:
    """The plain letters of ``some``, with one space between words."""
    return " ".join([each.plain for each in some])


SIGNS = "".join(sorted(_TONES.values()))
"""The signs of tones at the end of a shape."""


@lru_cache(maxsize=4096)
def agrees(said: str, meant: str) -> bool:
    """Whether a word of shape ``said`` can be the word of shape ``meant`` (of the same plain letters)."""
    if said == meant:
        return True
    letters, target = said.rstrip(SIGNS), meant.rstrip(SIGNS)
    tone, target_tone = said[len(letters) :], meant[len(target) :]
    if tone and tone != target_tone and {tone, target_tone} not in _ALIKE:
        return False
    if len(letters) != len(target):
        return False
    return all(one == other or one == _BARE.get(other) for one, other in zip(letters, target, strict=True))


def agree(said: Words, meant: Words) -> bool:
    """The same for phrases of the same plain words."""
    if said == meant:
        return True
    if len(said) != len(meant):
        return False
    for one, other in zip(said, meant, strict=True):
        if one is not other and (one.plain != other.plain or not agrees(one.shape, other.shape)):
            return False
    return True


# ── syllables and keyboards ───────────────────────────────────────────────────────────────────────────

_ONSETS = "b c ch d g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x".split()
_RIMES = (
    "a ac ach ai am an ang anh ao ap at au ay e ec em en eng eo ep et ech enh eu i ia ich iec iem ien "
    "ieng iep iet ieu im in inh ip it iu o oa oac oach oai oam oan oang oanh oao oap oat oay oc oe oen "
    "oeo oet oi om on ong ooc oong op ot u ua uan uang uat uay uc ue uech uenh ui um un ung uo uoc uoi "
    "uom uon uong uop uot uou up ut uu uy uya uych uyen uyet uyn uynh uyp uyt uyu y yem yen yet yeu ynh "
    "ych "
).split()
_SYLLABLES = frozenset(onset + rime for onset in ("", *_ONSETS) for rime in _RIMES)


def is_syllable(letters: str) -> bool:
    """Whether plain ``letters`` can be a Vietnamese syllable."""
    return letters in _SYLLABLES


_VNI_TONES = dict(zip("12345", "´`?~.", strict=True))
_TELEX_TONES = dict(zip("sfrxj", "´`?~.", strict=True))
_VNI = re.compile(r"[a-z]+[0-9][a-z0-9]*")
_HORN = {"u": "ư", "o": "ơ"}
_HAT = {"a": "â", "e": "ê", "o": "ô"}


def _place(letters: list[str], tone: str) -> str | None:
    """``letters`` as a word with ``tone`` on one of its vowels; None if that is no syllable."""
    text = "".join(letters)
    bare = text.translate(_PLAINED)
    if not is_syllable(bare):
        return None
    if not tone:
        return text
    start = 2 if bare[:2] in ("qu", "gi") and len(bare) > 2 and bare[2] in "aeiouy" else 0
    at = next(index for index in range(start, len(text)) if bare[index] in "aeiouy")
    return text[:at] + _WITH_TONE[text[at], tone] + text[at + 1 :]


def _last(letters: list[str], among: Mapping[str, str]) -> int | None:
    return next((at for at in range(len(letters) - 1, -1, -1) if letters[at] in among), None)


def _horn(letters: list[str]) -> bool:
    """Put a horn on the last u or o, on both of "uo"; a breve is the caller's."""
    at = _last(letters, _HORN)
    if at is None:
        return False
    letters[at] = _HORN[letters[at]]
    if letters[at] == "ơ" and at and letters[at - 1] == "u" and letters[: at - 1][-1:] != ["q"]:
        letters[at - 1] = "ư"
    return True


def from_vni(text: str) -> str | None:
    """The word meant by VNI keys left in it: ``kho6ng`` → ``không``; None if there is none."""
    if len(text) > 12 or not _VNI.fullmatch(text):
        return None
    letters: list[str] = []
    tone = ""
    for key in text:
        if not key.isdecimal():
            letters.append(key)
        elif key in _VNI_TONES:
            tone = _VNI_TONES[key]
        elif key == "6":
            at = _last(letters, _HAT)
            if at is None:
                return None
            letters[at] = _HAT[letters[at]]
        elif key == "7":
            if not _horn(letters):
                return None
        elif key == "8" and "a" in letters:
            letters[letters.index("a")] = "ă"
        elif key == "9" and letters[0] == "d":
            letters[0] = "đ"
        else:
            return None
    return _place(letters, tone)


def from_telex(text: str) -> str | None:
    """The word meant by Telex keys left in it: ``khoong`` → ``không``; None if there is none."""
    if len(text) > 12 or not text.isascii() or not text.isalpha():
        return None
    letters: list[str] = []
    tone = ""
    for key in text:
        if key in _TELEX_TONES and any(letter in _VOWELS for letter in letters):
            tone = _TELEX_TONES[key]
        elif key == "w":
            if letters[-2:] == ["u", "a"] and letters[-3:-2] != ["q"]:
                letters[-2] = "ư"
            elif letters and letters[-1] == "a":
                letters[-1] = "ă"
            elif not _horn(letters):
                if "a" in letters:
                    letters[letters.index("a")] = "ă"
                else:
                    letters.append("ư")
        elif key in _HAT and key in letters:
            at = len(letters) - 1 - letters[::-1].index(key)
            letters[at] = _HAT[key]
        elif key == "d" and letters[:1] == ["d"]:
            letters[0] = "đ"
        else:
            letters.append(key)
    found = _place(letters, tone)
    return found if found != text else None


_TOKEN = re.compile(r"[a-z0-9]+")
_ENGLISH = frozenset("or nor for is as us was does yes if of off see too few his has".split())
"""English words that would pass for Telex."""


def respell(text: str) -> str | None:
    """``text`` with the slips of keyboards undone, None if there is none to undo."""
    text = even(text)

    def mend(found: re.Match[str]) -> str:
        if found[0] in _ENGLISH:
            return found[0]
        return from_vni(found[0]) or from_telex(found[0]) or found[0]

    # A letter with marks beside it: the word was typed with a working keyboard.
    mended = " ".join(_TOKEN.sub(mend, each) if each.isascii() else each for each in text.split())
    return mended if mended != " ".join(text.split()) else None


# ── phrases ───────────────────────────────────────────────────────────────────────────────────────────

MEANINGS: Mapping[str, str] = {
    "unclear": "n a, na, thôi, dạ thôi, thôi khỏi, thôi ạ, dạ thôi ạ, thôi khỏi đi",
    "yes": """
        có, có ạ, có chứ, có rồi, có luôn, có đó, có đấy, đã có, có có, ừ, ừa, ờ, uh, uhm có, uk, ừm có, ừ
        có, ừ đúng, vâng, vâng có, dạ, dạ vâng, dạ phải, dạ đúng, phải, phải rồi, phải đó, đúng, đúng rồi,
        đúng vậy, đúng thế, đúng đó, chính xác, chuẩn, rồi, tất nhiên, tất nhiên có, tất nhiên là có, dĩ
        nhiên, dĩ nhiên có, dĩ nhiên là có, chắc chắn có, chắc chắn rồi, đồng ý, nhất trí, ok, oke, okê,
        okie, okay, okey, được, được chứ, yes, y, yep, yeah, yup, yes i do, yes i have, yes i am, yes we
        do, i am, we do, i do, i have, of course, sure, yeah sure, yes sure, correct, right, true, that s
        right, i agree, agree, agreed, dc, đc, được rồi, dc rồi, đc rồi, chấp nhận, tán thành, đồng tình,
        certainly, definitely, absolutely, có dạ, dạ rồi
    """,
    "no": """
        không, ko, k, kg, kh, khg, khôg, kô, hông, hổng, hong, hok, hk, hem, hôn, không có, ko có, k có,
        kg có, hông có, hổng có, hok có, hem có, không có gì, không hề, không đâu, không có đâu, đâu có,
        làm gì có, chả có, chẳng có, có đâu mà, không phải, ko phải, k phải, hông phải, hổng phải, không
        phải đâu, không đúng, ko đúng, k đúng, sai, sai rồi, không không, không đồng ý, ko đồng ý, k đồng
        ý, chưa, chưa có, chưa từng, chưa bao giờ, chưa lần nào, không bao giờ, không hề có, hoàn toàn
        không, no, n, nope, nah, no no, not yet, never, no i don t, no i do not, i don t, i do not, i don
        t have, no i haven t, i haven t, no i m not, i m not, no i am not, i am not, no we don t, not at
        all, wrong, false, incorrect, i disagree, disagree, no never, of course not, certainly not,
        definitely not, no way, nỏ, nỏ có, mô có, khum, k0, ko0, không hề đâu, dĩ nhiên không, dĩ nhiên là
        không, tất nhiên không, tất nhiên là không, chắc chắn không, không chấp nhận, không đồng tình,
        không tán thành
    """,
    "dont_know": """
        không biết, ko biết, k biết, kg biết, kh biết, hông biết, hổng biết, hong biết, hok biết, hem
        biết, không bít, ko bít, k bít, ko bik, k bik, ko bit, không biết nữa, ko biết nữa, không biết
        luôn, không biết gì, chưa biết, chưa rõ, không rõ, ko rõ, k rõ, hông rõ, không rõ lắm, ko rõ lắm,
        không rõ nữa, chẳng biết, chả biết, đâu biết, ai biết, ai mà biết, biết đâu, không nhớ, ko nhớ, k
        nhớ, hông nhớ, không nhớ rõ, ko nhớ rõ, không nhớ nữa, không nhớ nổi, quên rồi, quên, quên mất,
        quên mất rồi, không chắc, ko chắc, không chắc lắm, chịu, không thể biết, không biết trả lời sao,
        không biết trả lời, không biết chọn gì, không biết nói sao, i don t know, i dont know, don t know,
        dont know, do not know, i do not know, no idea, i have no idea, not sure, i m not sure, im not
        sure, idk, dunno, unsure, can t remember, cannot remember, i can t remember, don t remember, i don
        t remember, i forgot, unknown
    """,
    "prefer_not": """
        không muốn trả lời, ko muốn trả lời, k muốn trả lời, hông muốn trả lời, không muốn nói, ko muốn
        nói, k muốn nói, không muốn cho biết, không muốn tiết lộ, không muốn chia sẻ, không muốn cung cấp,
        không muốn khai, không muốn cho, ko muốn cho, không trả lời, ko trả lời, k trả lời, không trả lời
        câu này, từ chối, từ chối trả lời, không muốn trả lời câu này, xin từ chối, xin phép không trả
        lời, xin không trả lời, miễn trả lời, xin miễn, bí mật, giữ bí mật, ngại nói, ngại trả lời, tôi
        ngại, không tiện nói, ko tiện nói, không tiện trả lời, ko tiện trả lời, không tiện, không nói,
        không cho biết, không tiết lộ, không khai, chuyện riêng, chuyện riêng tư, chuyện cá nhân, tế nhị,
        prefer not to say, i prefer not to say, i d prefer not to say, prefer not to answer, i prefer not
        to answer, i d prefer not to answer, prefer not, i d rather not, rather not, rather not say, i d
        rather not say, rather not answer, i d rather not answer, no comment, i decline, decline to
        answer, i decline to answer, refuse, i refuse, refuse to answer, i refuse to answer, secret, it s
        private, i don t want to answer, i don t want to say, don t want to answer, don t want to say
    """,
    "all": """
        tất cả, tất cả các ý, tất cả các ý trên, tất cả những ý trên, tất cả ý trên, tất cả các câu, tất
        cả các câu trên, tất cả các cái, tất cả đều có, có tất cả, có hết, có đủ, có đủ hết, có đủ cả, đủ
        cả, đủ hết, chọn hết, chọn tất, tất tần tật, toàn bộ, mọi thứ, cái nào cũng có, all, all
        of them, all of these, all of the above, everything, every one, all the above
    """,
    "none": """
        không, ko, k, hông, không có, ko có, k có, hông có, hổng có, không có gì, ko có gì, k có gì, không
        có gì hết, ko có gì hết, không có gì cả, ko có gì cả, không cái nào, không có cái nào, ko có cái
        nào, không có cái nào cả, không có cái nào hết, không chọn cái nào, không có ý nào, không ý nào,
        chẳng có gì, chả có gì, chẳng có cái nào, đều không, không có hết, none, none of them, none of
        these, none of the above, nothing, no, neither
    """,
    "back": """
        quay lại, quay lại câu trước, quay về, quay về câu trước, trở lại, trở lại câu trước, trở về, lùi,
        lùi lại, lui lại, câu trước, về câu trước, lại câu trước, xem câu trước, trở lui, back, go back,
        previous, previous question
    """,
    "skip": """
        bỏ qua, bỏ qua câu này, bỏ qua đi, bỏ câu này, xin bỏ qua, qua câu khác, qua câu sau, câu khác đi,
        skip, skip this, skip it, skip this question, pass
    """,
    "keep": """
        giữ nguyên, giữ nguyên vậy, để nguyên, để nguyên vậy, không sửa, không đổi, không thay đổi, giữ,
        tiếp tục, tiếp tục đi, tiếp, tiếp theo, tiếp đi, trả lời tiếp, làm tiếp, đi tiếp, câu tiếp, câu
        tiếp theo, keep, keep it, no change, continue, next, go on
    """,
    "review": """
        xem lại, xem lại câu trả lời, xem lại các câu trả lời, xem lại tất cả, cho xem lại, kiểm tra lại,
        review, review answers, review my answers, show my answers, check my answers
    """,
    "submit": """
        gửi, gửi đi, gửi luôn, gửi bài, gửi câu trả lời, gửi phiếu, gửi kết quả, đồng ý gửi, ok gửi, ok
        gửi đi, nộp, nộp đi, nộp luôn, nộp bài, nộp phiếu, hoàn tất, hoàn thành, submit, submit it, send,
        send it, finish
    """,
    "change": "sửa, sửa lại, sửa câu trả lời, muốn sửa, chỉnh sửa, thay đổi, change, edit, correct it",
    "stop": """
        dừng, dừng lại, dừng đi, dừng luôn, dừng khảo sát, dừng ở đây, tôi muốn dừng, tôi muốn dừng lại,
        muốn dừng, cho tôi dừng, xin dừng, ngừng, ngừng lại, ngừng đi, ngưng, ngưng lại, hủy, hủy bỏ, hủy
        đi, hủy luôn, hủy khảo sát, hủy đăng ký, hủy đăng kí, tôi muốn hủy, đừng nhắn nữa, đừng gửi nữa,
        đừng nhắn tin nữa, đừng nhắc nữa, đừng nhắc tôi nữa, thôi nhắc, dừng nhắn tin, ngừng nhắn tin, không
        nhận tin nữa, tôi không muốn nhận tin nữa, hủy nhận tin, đừng làm phiền, không nhắn nữa,
        không trả lời nữa, không muốn trả lời nữa, tôi không muốn trả lời nữa, dừng trả lời, thôi dừng, thôi
        dừng lại,
        thôi không trả lời nữa, thôi tôi không trả lời nữa, stop, stop it, stop please, please stop,
        unsubscribe, cancel, quit, opt out
    """,
    "privacy": """
        riêng tư, quyền riêng tư, bảo mật, dữ liệu cá nhân, quyền dữ liệu, xóa dữ liệu, xóa dữ liệu của
        tôi, xóa dữ liệu cá nhân, xóa thông tin, xóa thông tin của tôi, xóa thông tin cá nhân, privacy, my
        data, personal data, delete my data, delete my information, erase my data
    """,
    "help": """
        trợ giúp, giúp, giúp tôi, giúp em, giúp với, giúp đỡ, hướng dẫn, cần giúp, cần trợ giúp, xin trợ
        giúp, help, help me, i need help
    """,
    "human": """
        gặp cán bộ, gặp người, gặp người thật, gặp nhân viên, nói chuyện với cán bộ, nói chuyện với
        người thật, nói chuyện với nhân viên, liên hệ cán bộ, gọi cán bộ, hỏi cán bộ, nhắn cán bộ,
        muốn gặp cán bộ, muốn gặp người, muốn gặp người thật, muốn nói chuyện với cán bộ, muốn nói chuyện
        với người thật, human, a human, agent, talk to a human, talk to a person, speak to a human, speak to
        someone
    """,
    "roster": """
        danh sách, xem danh sách, danh sách thành viên, xem danh sách thành viên, thành viên, các thành
        viên, danh sách người, danh sách hộ, danh sách người trong nhà, danh sách nhân khẩu, members, member
        list, roster, list of members, show members, show roster
    """,
    "elsewhere": """
        máy khác, sang máy khác, chuyển máy, chuyển sang máy khác, trả lời trên máy khác, trả lời tiếp trên
        máy khác, làm tiếp trên máy khác, tiếp tục trên máy khác, đổi máy, another device, other device,
        switch device, continue on another device
    """,
    "people": """
        đổi người, đổi người trả lời, người khác trả lời, người trả lời khác, ai đang trả lời, chuyển người
        trả lời, switch person, another person answers, somebody else answers, who is answering
    """,
    "add": """
        thêm người, thêm một người, thêm 1 người, thêm người nữa, thêm một người nữa, thêm 1 người nữa,
        thêm thành viên, thêm thành viên nữa, thêm một thành viên, thêm 1 thành viên, thêm nhân khẩu, muốn
        thêm người, cho thêm người, thêm người khác, thêm người mới, thêm thành viên mới, còn người nữa,
        add, add person, add a person, add member, add a member, add another, add another person, add
        another member, add someone
    """,
    "no_more": """
        hết, hết rồi, hết người rồi, hết người, không còn ai, không còn ai nữa, không còn ai khác, không có ai
        nữa, không còn người nào, không còn người nào nữa, không còn nữa, không thêm nữa, không thêm ai,
        không thêm ai nữa, không thêm, không thêm người, đủ rồi, đủ người rồi, vậy là đủ, vậy là hết, thế là
        hết, nhiêu đó thôi, bấy nhiêu thôi, chỉ có vậy thôi, chỉ vậy thôi, no more, nobody else, no one else,
        that s all, that is all, thats all, no one more, nobody
    """,
    "done": """
        xong, xong rồi, đã xong, chọn xong, chọn xong rồi, vậy thôi, thế thôi, done, finished
    """,
    "next_page": """
        trang sau, trang tiếp, trang tiếp theo, trang kế, trang kế tiếp, sang trang, qua trang sau, xem tiếp,
        xem thêm, next page, more, show more
    """,
    "previous_page": """
        trang trước, trang trước đó, về trang trước, quay lại trang trước, trước, previous page
    """,
    "start": """
        bắt đầu, bắt đầu đi, bắt đầu lại, bắt đầu khảo sát, làm khảo sát, nhận lại tin, nhận tin lại, nhận
        lại tin nhắn, cho nhắn lại, nhắn lại đi, start, begin, start again, restart, opt in, subscribe,
        resubscribe
    """,
    "language": "ngôn ngữ, đổi ngôn ngữ, chọn ngôn ngữ, language, change language",
    "language vi": """
        tiếng việt, sang tiếng việt, vietnamese, vietnamese please, đổi sang tiếng việt, việt ngữ
    """,
    "language en": "english, english please, in english, tiếng anh, sang tiếng anh, đổi sang tiếng anh",
}
"""Phrases by meaning, apart by commas: what whole messages mean. A message that fits phrases of two
meanings has none."""

COMMANDS = frozenset(
    """
    back skip keep review submit change stop privacy help human start language roster add no_more next_page
    previous_page elsewhere people
    """.split()
) | {"language vi", "language en"}

ADVERTISED = frozenset(
    plain(words(phrase))
    for phrase in """
    dừng, dừng lại, ngừng, ngưng, hủy, hủy bỏ, hủy đăng ký, tôi muốn dừng, tôi muốn dừng lại, xin dừng,
    ngừng lại, ngưng lại, dừng khảo sát, hủy khảo sát, dừng trả lời, thôi dừng, thôi dừng lại,
    không trả lời nữa, thôi không trả lời nữa, thôi tôi không trả lời nữa, không muốn trả lời nữa,
    tôi không muốn trả lời nữa, đừng nhắn nữa, đừng nhắc nữa, đừng gửi nữa, bắt đầu lại, stop, unsubscribe,
    stop it, stop please, please stop, cancel, quit, opt out,
    quay lại, quay lại câu trước, trở lại, câu trước, back, go back,
    bỏ qua, bỏ qua câu này, skip, xem lại, review, sửa, change, trợ giúp, help, riêng tư, quyền riêng tư,
    privacy, danh sách, danh sách thành viên, xem danh sách, thêm người, thêm thành viên, trang sau,
    trang trước
    """.split(",")
)
"""Plain phrases of commands that people are told of. They are heard even when any text can be the answer,
or when a choice has the same words in it; other commands are not."""

NAMES = frozenset({"dung", "huy"})
"""Words without marks that stop (``dừng``, ``huỷ``), and are also a name (Dung, Dũng, Huy) or yes
(``đúng``)."""


def _table() -> dict[str, list[tuple[Words, str]]]:
    table: dict[str, list[tuple[Words, str]]] = {}
    for meaning, phrases in MEANINGS.items():
        for phrase in phrases.split(","):
            some = words(phrase)
            table.setdefault(plain(some), []).append((some, meaning))
    return table


_MEANINGS = _table()


@lru_cache(maxsize=_AGAIN)
def meanings(said: Words) -> frozenset[str]:
    """Every meaning of a whole message; empty if it is none of the known phrases.

    Commands must be typed with all their marks or, word by word, with none: "dùng" is not dừng.
    """
    found = _MEANINGS.get(plain(said))
    if found is None:
        return frozenset()
    return frozenset(
        meaning
        for meant, meaning in found
        if agree(said, meant) and (not _strict(meaning, meant) or all(map(_wholly, said, meant)))
    )


def _strict(meaning: str, meant: Words) -> bool:
    return meaning in COMMANDS or len(meant[0].plain) == 1


def _wholly(said: Word, meant: Word) -> bool:
    return said.shape == meant.shape or (said.shape == said.plain and said.plain != "o")


class Lexicon:
    """Words and phrases, given apart by commas, to be found at a place in a message."""

    __slots__ = ("_lengths", "_phrases", "ends")

    def __init__(self, phrases: str) -> None:
        self._phrases: dict[tuple[str, ...], list[Words]] = {}
        """By their plain words."""
        self._lengths: dict[str, tuple[int, ...]] = {}
        """How long the phrases are that begin with a plain word, the longest first."""
        self.ends: set[str] = set()
        """The plain words that phrases end with."""
        for phrase in phrases.split(","):
            some = words(phrase)
            self.ends.add(some[-1].plain)
            self._phrases.setdefault(tuple([each.plain for each in some]), []).append(some)
            known = {*self._lengths.get(some[0].plain, ()), len(some)}
            self._lengths[some[0].plain] = tuple(sorted(known, reverse=True))

    def at(self, said: Words, start: int) -> int:
        """How many words from ``start`` make the longest phrase that stands there; 0 if none does."""
        if start >= len(said):
            return 0
        for length in self._lengths.get(said[start].plain, ()):
            some = said[start : start + length]
            if len(some) < length:
                continue
            for meant in self._phrases.get(tuple([each.plain for each in some]), ()):
                if agree(some, meant):
                    return length
        return 0

    def holds(self, one: Word) -> bool:
        """Whether ``one`` is a word of it."""
        return any(agrees(one.shape, meant[0].shape) for meant in self._phrases.get((one.plain,), ()))

    def any(self, said: Words) -> bool:
        """Whether a phrase of it stands anywhere in ``said``."""
        return any(self.at(said, start) for start in range(len(said)))


_ADDRESSED = "cô chú bác anh chị em cháu con thầy ông bà dì cậu mợ".split()
"""Whom a person speaks to, or calls themselves."""


def _with(*patterns: str) -> str:
    """The phrases of ``patterns`` with everybody who is spoken to in the place of ``*``."""
    return ", ".join(pattern.replace("*", whom) for pattern in patterns for whom in _ADDRESSED)


LEADING = Lexicon(
    """
    dạ, dạ thưa, thưa, tôi, tui, mình, em, chúng tôi, con là, cháu là, nhà tôi có, nhà tôi ở, nhà em có, nhà
    em ở, nhà mình có, nhà mình ở, gia đình tôi, gia đình, của tôi, là, thì, thì là, chọn, tôi chọn, xin
    chọn, trả lời, trả lời là, câu trả lời, câu trả lời là, đáp án, đáp án là, hiện, hiện nay, hiện tại, bây
    giờ, năm nay, ở, đang, đang ở, giới tính, vâng tôi, vâng em, i, am, i am, i am a, i m, i m a, im, my
    answer is, it is, it s, the, answer, i choose, i have, we have, we are, mine is, ad ơi, bạn ơi, à, con
    chọn, cháu chọn, tôi nghĩ, tôi nghĩ là, em nghĩ, em nghĩ là, theo tôi, theo em, học xong, đã học xong,
    tốt nghiệp, đã tốt nghiệp, tại, just, just a, just the, only, only a, only the, đây là, ừm, ờ thì, ừ
    thì, tụi tôi, tụi em, nhà tôi, nhà tui, nhà em, nhà mình, nhà con, gia đình em, gia đình mình,
    có bằng, tôi có bằng, em có bằng
    """
    + ", "
    + _with("thưa *", "dạ thưa *", "dạ *", "* ơi", "dạ * chọn", "dạ * là")
)
"""What people say before an answer without saying anything."""

TRAILING = Lexicon(
    """
    ạ, a, ah, nha, nhé, nhe, nhá, nghe, nghen, hen, hé, á, đó, đấy, thôi, mà, vậy, luôn, nhé em, nha em,
    nhé bạn, nha bạn, em ạ, em nhé, em, bạn, cháu, con, ad, admin, cảm ơn, cám ơn, xin cảm ơn, thanks,
    thank you, please, pls, hihi, hi, haha, hehe, kk, kkk, ơi, nhen, nè, nhá em, rồi, rồi ạ, cả, em ơi,
    bạn ơi, cháu ơi, ad ơi, đi, chứ gì, chứ gì nữa, chứ sao, chứ
    sao nữa, mới đúng, mới phải, now, sir, madam, chớ, dạ, thưa, hết á, ra, only
    """
    + ", "
    + _with("* ơi", "* ạ", "nhé *", "nha *", "nghe *", "nghen *", "ạ *", "thưa *", "đó *", "nè *", "á *")
)
"""What people say after an answer without saying anything."""

NEGATIVE = Lexicon(
    """
    không, ko, k, kg, kh, khôg, kô, hông, hổng, hong, hok, hk, hem, chưa, chả, chẳng, đâu, đừng, trừ,
    ngoài, ngoại trừ, thiếu, sai, no, not, never, don t, dont, doesn t, didn t, isn t, haven t, except,
    without, nor, neither, none, nope, khỏi
    """
)
"""Words that turn a sentence round."""

BOUND = Lexicon(
    """
    dưới, trên, hơn, ít, nhiều, từ, đến, tới, trở lên, trở xuống, gần, quá, rất, under, over, more, less,
    than, least, most, from, to, up, above, below, between, hầu như, almost, very, self, half, part
    """
)
"""Words that change a choice's meaning when they are left out of it."""

UNSURE = Lexicon(
    """
    có lẽ, có thể, có khi, có lúc, có hay không, có hoặc không, chắc, hình như, nếu, tùy, tuỳ, lẽ, thỉnh
    thoảng, đôi khi, lúc, nhưng, hoặc, hay, hay là, nửa, một phần, gần như, sắp, sẽ, từng, trước, maybe,
    perhaps, probably, sometimes, might, but, if, or, depends, partly, soon, vừa, ngày xưa, hồi, hồi
    trước, cũ, hỏi, nói, nghe nói, người ta, họ, ai, gì, sao, nào, what, why, which, vợ, chồng, mẹ, bố,
    cha, hàng xóm, bạn tôi, chỉ, mới, hết, hư, hỏng, mất, cũng, chút, ít, mấy, really, nhờ, mượn, ké, thôi
    """
)
"""Words by which a yes or a no is not a plain one any more."""

EITHER = Lexicon("hoặc, hoặc là, hay, hay là, or, either")
"""Words between two answers of which one is meant."""

JOINING = Lexicon(
    """
    và, với, cùng, cùng với, lẫn, rồi, thêm, and, plus, nữa, cả, với cả, có, chỉ, chỉ có
    """
)
"""Words between answers that are all meant."""

NUMBERED = Lexicon(
    """
    số, câu, câu số, ý, ý số, ý thứ, chọn, chọn số, chọn câu, chọn ý, phương án, phương án số, đáp án, đáp
    án số, đáp án là, bấm, bấm số, nhấn, nhấn số, gõ, gõ số, lấy, lấy số, cái thứ, số thứ, câu thứ, mục
    thứ, đáp án thứ, lựa chọn thứ, phương án thứ, dòng, dòng số, dòng thứ, hàng số, em chọn số, con chọn, con
    chọn số, cháu chọn, cháu chọn số, chọn cái, chọn cái số, chọn cái thứ, chọn ý số, chọn ý thứ, chọn đáp án
    số, chọn phương án số, cho tôi số, tick, tích, đánh số, đánh dấu, chữ, lựa chọn, lựa chọn số, mục, mục
    số, ô, ô số, cái số, tôi chọn, tôi chọn số, em chọn, chọn phương án, chọn đáp án, option,
    number, answer, choice, choose, pick, i choose, i pick
    """
)
"""Words before the number of a choice."""

WEAK = Lexicon(
    """
    có, là, và, của, các, những, từ, một, cho, với, ở, tại, về, khi, thì, mà, hoặc, hay, để, được, bị, đã,
    đang, sẽ, người, cái, này, đó, trong, theo, phải, rất, không, ko, chưa, the, of, and, a, an, in, or,
    to, i, my, for, with, phường, xã, quận, huyện, thành phố, đặc khu, ông, bà, số, năm, tôi, làm, bằng,
    nhà, khác, other
    """
)
"""Words that alone don't point at a choice."""

KIN = frozenset(words("vợ chồng con cháu cha mẹ bố ba anh chị em ông bà cô chú bác cậu dì nhà mình"))
"""Words for kin that are also *I* and *you*: beside choices about kin they say something."""

PLACE = Lexicon(
    """
    phường, xã, thị trấn, đặc khu, khu phố, tổ dân phố, ấp, thôn, ward, commune
    """
)
"""Words before a place's name."""

_SAYINGS: tuple[tuple[str, ...], ...] = (
    ("trung học phổ thông", "thpt", "ptth", "cấp 3", "cấp ba", "c3", "phổ thông trung học"),
    ("trung học cơ sở", "thcs", "ptcs", "cấp 2", "cấp hai", "c2"),
    ("tiểu học", "cấp 1", "cấp một", "c1"),
    ("đại học", "đh"),
    ("cao đẳng", "cđ"),
    ("trung cấp", "tc"),
    ("thạc sĩ", "thạc sỹ", "ths"),
    ("tiến sĩ", "tiến sỹ"),
    ("bác sĩ", "bác sỹ"),
    ("điện thoại", "đt", "dt", "đthoại"),
    ("điện thoại thông minh", "smartphone", "smart phone", "đt thông minh", "dt thông minh"),
    ("máy tính xách tay", "laptop", "lap top"),
    ("ô tô", "xe hơi", "xe ô tô", "xe con"),
    ("xe máy", "xe gắn máy", "xe mô tô", "mô tô"),
    ("zalo", "za lô"),
    ("tiktok", "tik tok"),
    ("mạng xã hội", "mxh"),
    ("ti vi", "tivi", "tv", "television", "ti-vi"),
    ("wifi", "wi fi"),
    ("internet", "in tơ nét", "intenet"),
    ("facebook", "fb", "phây búc"),
    ("youtube", "ytb", "du túp"),
    ("giáo viên", "gv"),
    ("sinh viên", "sv"),
    ("học sinh", "hs"),
    ("công nhân viên", "cnv"),
    ("doanh nghiệp", "dn"),
    ("ly hôn", "li hôn", "ly dị", "li dị"),
    ("kỹ năng", "kĩ năng"),
    ("kỹ thuật", "kĩ thuật"),
    ("công nghệ thông tin", "cntt"),
    ("bảo hiểm y tế", "bhyt"),
    ("bảo hiểm xã hội", "bhxh"),
    ("khu phố", "kp"),
    ("tổ dân phố", "tdp"),
    ("thành phố", "tp"),
    ("thị trấn", "tt"),
    ("hồ chí minh", "hcm"),
    ("triệu", "tr"),
    ("biết", "bít", "bik", "bjk", "bit"),
    ("không", "ko", "kg", "hông", "hổng", "hok", "hem", "khôg", "kô", "khg"),
)
"""One saying per line: how it is compared, and what is typed for it."""


def _sayings() -> dict[str, list[tuple[Words, Words]]]:
    table: dict[str, list[tuple[Words, Words]]] = {}
    for canonical, *variants in _SAYINGS:
        for variant in variants:
            some = words(variant)
            table.setdefault(some[0].plain, []).append((some, words(canonical)))
    for found in table.values():
        found.sort(key=lambda pair: len(pair[0]), reverse=True)
    return table


_BY_FIRST = _sayings()
_BEFORE_NAME = {"p": words("phường"), "x": words("xã"), "ph": words("phường"), "k": words("không")}
_GLUED = re.compile(
    r"(p|ph|x|kp|q|phuong|quan|cap|c|so|cau|chon|to|ap)([0-9]{1,3})|([0-9]{1,3})(tr|trieu|tuoi|con|nguoi|nam|gio)"
)


_PARTICLE = Lexicon("nhé, nha, nghe, nghen, ạ, dạ, thưa, nè, á")


@lru_cache(maxsize=_AGAIN)
def usual(said: Words) -> Words:
    """``said`` in the usual words: abbreviations written out, ``p1`` as *phường 1*, ``ko`` as *không*."""
    some: list[Word] = []
    at = 0
    while at < len(said):
        here = said[at]
        for variant, canonical in _BY_FIRST.get(here.plain, ()):
            if agree(said[at : at + len(variant)], variant):
                some.extend(canonical)
                at += len(variant)
                break
        else:
            glued = _GLUED.fullmatch(here.plain)
            if glued:
                said = (*said[:at], *(word(part) for part in glued.groups() if part), *said[at + 1 :])
                continue
            if here.plain in _BEFORE_NAME and at + 1 < len(said):
                some.extend(_BEFORE_NAME[here.plain])
            else:
                some.append(here)
            at += 1
    return tuple(some)


@lru_cache(maxsize=_AGAIN)
def core(said: Words, keep: frozenset[str] = frozenset()) -> Words:
    """``said`` without what people say before and after an answer; at least one word is left.

    Words whose plain letters are in ``keep`` stay, and what stands on their inner side.
    """
    start, end = 0, len(said)
    while end > 1 and said[end - 1].plain in TRAILING.ends:
        for length in (3, 2, 1):
            lost = said[end - length : end]
            if end <= length or TRAILING.at(lost, 0) != length or lost[-1].shape == "đây":
                continue
            # Whom "nha cô" speaks to is no aunt, even beside choices about kin.
            own = lost[:1] if length == 2 and _PARTICLE.holds(lost[0]) else lost
            if not any(each.plain in keep for each in own):
                end -= length
                break
        else:
            break
    said = said[:end]
    while length := LEADING.at(said, start):
        lost = said[start : start + length]
        if start + length >= end or any(each.plain in keep for each in lost):
            break
        start += length
    return said[start:end]
