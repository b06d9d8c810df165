"""Everyday words for a choice that its label doesn't have: *đàn ông* for "Nam", *có chồng* for "Có vợ/chồng".

A word has a fixed sense only among its opposites: "Nam" is a sex beside "Nữ" and a region beside "Bắc". So
synonyms come in scales, and a scale counts only where at least two of its steps stand in the list, each as
one choice. Only whole replies are compared with synonyms, never parts of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from surveys.words import Words, usual, words

_SCALES: tuple[tuple[str, ...], ...] = (
    (
        "nam, nam giới, male, man, men < đàn ông, con trai, trai, phái nam, giới nam, boy, a man, a male",
        """
        nữ, nữ giới, phụ nữ, female, woman, women < đàn bà, con gái, gái, phái nữ, giới nữ, đàn bà con gái,
        girl, a woman, a female
        """,
    ),
    (
        """
        chưa vợ chồng, chưa có vợ chồng, độc thân, chưa kết hôn, chưa lập gia đình, chưa có gia đình, single,
        never married, unmarried < chưa chồng, chưa vợ, chưa có chồng, chưa có vợ, chưa lấy vợ, chưa lấy
        chồng, còn độc thân, vẫn độc thân, not married, not married yet
        """,
        """
        có vợ chồng, đang có vợ chồng, đã kết hôn, đã lập gia đình, đã có gia đình, có gia đình,
        married < có chồng, có vợ, đã có chồng, đã có vợ, đang có chồng, đang có vợ, lấy chồng, lấy vợ, đã lấy
        chồng, đã lấy vợ, có vợ có chồng, i m married, có vợ con
        """,
        """
        góa, góa vợ chồng, góa bụa, widowed < góa vợ, góa chồng, ở góa, vợ mất, chồng mất, vợ chết, chồng
        chết, vợ đã mất, chồng đã mất, widow, widower
        """,
        "ly hôn, đã ly hôn, divorced",
        "ly thân, đã ly thân, separated",
    ),
    (
        """
        chưa có bằng, không có bằng, không bằng cấp, không có bằng cấp, chưa có bằng cấp, chưa có bằng cấp
        nào, không có bằng cấp nào, no degree, no qualification, none < không có bằng cấp gì, chưa có bằng
        cấp gì, không có bằng nào, chưa có bằng nào, không có bằng gì, không bằng cấp gì, no certificate
        """,
        "tiểu học, primary, primary school",
        "trung học cơ sở, lower secondary",
        "trung học phổ thông, upper secondary, high school",
        "trung cấp < trung cấp chuyên nghiệp",
        "cao đẳng, college",
        "đại học, university",
        """
        trên đại học, sau đại học, postgraduate < thạc sĩ, tiến sĩ, cao học, bằng thạc sĩ, bằng tiến sĩ,
        master, phd
        """,
    ),
    (
        "vợ, wife < bà xã, vợ tôi",
        "chồng, husband < ông xã, chồng tôi",
        "con, con đẻ con ruột < con trai, con gái, con ruột, con đẻ",
        """
        cha mẹ, bố mẹ, ba mẹ, ba má, parent, parents < cha, mẹ, bố, má, tía, bố đẻ, mẹ đẻ, cha đẻ, mẹ ruột,
        bố ruột, cha ruột
        """,
        "ông bà < ông, ông nội, bà nội, ông ngoại, bà ngoại",
        "cháu < cháu nội, cháu ngoại, cháu trai, cháu gái",
        "anh chị em < anh trai, chị gái, em trai, em gái, anh ruột, chị ruột, em ruột, anh em",
        "chủ hộ, head",
    ),
    (
        "hằng ngày, mỗi ngày, daily, every day < ngày nào cũng, ngày nào cũng có, everyday",
        "hằng tuần, mỗi tuần, weekly, every week < tuần nào cũng",
        "hằng tháng, mỗi tháng, monthly, every month < tháng nào cũng",
        "thường xuyên, often < thường, hay dùng",
        "thỉnh thoảng, đôi khi, sometimes, occasionally < lâu lâu, thi thoảng",
        "hiếm khi, ít khi, rarely, seldom",
        "không bao giờ, chưa bao giờ, never",
    ),
    (
        "nội trợ < ở nhà nội trợ, lo việc nhà, làm việc nhà, nội trợ gia đình",
        "nghỉ hưu, hưu trí, về hưu, retired < hưu, đã nghỉ hưu, đã về hưu, cán bộ hưu trí, pensioner",
        """
        thất nghiệp, không có việc làm, chưa có việc làm, unemployed < không có việc, chưa có việc, đang thất
        nghiệp, không có việc làm, jobless, out of work, no job, no work
        """,
        "đi học, đang đi học, học sinh sinh viên, student < sinh viên, học sinh, còn đi học, đang học",
    ),
    (
        "không, không theo đạo, không có tôn giáo, không tôn giáo < không đạo, không có đạo, đạo ông bà",
        "phật giáo, đạo phật < phật, theo đạo phật",
        "công giáo, thiên chúa giáo, đạo thiên chúa < thiên chúa, đạo công giáo, theo đạo thiên chúa",
        "tin lành, đạo tin lành",
        "cao đài, đạo cao đài",
        "hòa hảo, phật giáo hòa hảo, đạo hòa hảo",
    ),
)
"""Scales, and their steps: labels alike, and after ``<`` what is typed for them but is no label of its own
(a list of "Thạc sĩ" and "Đại học" says nothing about a doctor's)."""


@cache
def _by_label() -> dict[Words, list[tuple[int, int]]]:
    """The steps, as *(scale, step)*, that a label stands for."""
    found: dict[Words, list[tuple[int, int]]] = {}
    for scale, steps in enumerate(_SCALES):
        for step, said in enumerate(steps):
            for label in said.partition("<")[0].split(","):
                found.setdefault(usual(words(label)), []).append((scale, step))
    return found


@cache
def _sayings(scale: int, step: int) -> tuple[Words, ...]:
    return tuple(usual(words(saying)) for saying in _SCALES[scale][step].replace("<", ",").split(","))


def synonyms(labels: Sequence[Sequence[Words]]) -> Iterator[tuple[int, Words]]:
    """What may be typed for the choices whose labels, each in one or more forms, are ``labels``: pairs of
    position and saying. Nothing that is a label of the list itself."""
    steps: dict[tuple[int, int], set[int]] = {}
    for position, forms in enumerate(labels):
        for form in forms:
            for found in _by_label().get(form, ()):
                steps.setdefault(found, set()).add(position)
    alone = {found: place for found, places in steps.items() if len(places) == 1 for place in places}
    own = {form for forms in labels for form in forms}
    for (scale, step), place in alone.items():
        if any(other[0] == scale and elsewhere != place for other, elsewhere in alone.items()):
            for saying in _sayings(scale, step):
                if saying not in own:
                    yield place, saying
