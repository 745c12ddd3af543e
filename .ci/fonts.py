"""Makes the fonts of printed reports: DejaVu's, cut down to the scripts that reports are written in.

Needs DejaVu 2.37 as Debian's fonts-dejavu-core installs it, and fontTools, which fpdf2 brings.
"""

from pathlib import Path

from fontTools import subset

FROM = Path("/usr/share/fonts/truetype/dejavu")
TO = Path(__file__).resolve().parents[1] / "app" / "data" / "fonts"
NAMES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf")
RANGES = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x36F),  # Latin and its marks
    (0x370, 0x3FF), (0x400, 0x52F),  # Greek, Cyrillic
    (0x2000, 0x206F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF),
    (0x2600, 0x26FF), (0x2700, 0x27BF),
)  # fmt: skip


def main() -> None:
    wanted = [code for first, last in RANGES for code in range(first, last + 1)]
    for name in NAMES:
        options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp"], name_IDs=["*"], hinting=False)
        font = subset.load_font(str(FROM / name), options)
        cut = subset.Subsetter(options)
        cut.populate(unicodes=wanted)
        cut.subset(font)
        subset.save_font(font, str(TO / name), options)
        print(name, (TO / name).stat().st_size)


if __name__ == "__main__":
    main()
