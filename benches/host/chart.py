"""Two charts as SVG, without a library: they are read in a browser beside their tables."""

from html import escape

COLOURS = {"ours": "#2a7ab0", "C": "#8a8a8a", "Go": "#c46a2b"}
WIDTH, LEFT, ROW = 640, 150, 22
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" font-family="sans-serif" font-size="12">\n'


def bars(title, groups):
    """Horizontal bars: a group for each job, a bar for each competitor."""
    longest = max(value for values in groups.values() for value in values.values())
    parts, y = [text(10, 20, title, weight="bold")], 40
    for group, values in groups.items():
        parts.append(text(10, y + 14, group.replace("`", "")))
        for which, value in values.items():
            width = (WIDTH - LEFT - 110) * value / longest
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{ROW - 6}" fill="{COLOURS[which]}"/>')
            parts.append(text(LEFT + width + 6, y + 13, f"{which} {value:.2f}"))
            y += ROW
        y += 10
    return HEAD.format(WIDTH, y) + "\n".join(parts) + "\n</svg>\n"


def curves(series):
    """One curve below the other, over sizes that grow by factors."""
    parts, y = [], 0
    for title, points in series:
        parts.append(text(10, y + 20, title, weight="bold"))
        top, bottom = y + 40, y + 140
        most = max(points.values())
        step = (WIDTH - 120) / (len(points) - 1)
        places = [(60 + step * index, bottom - (bottom - top) * value / most) for index, value in enumerate(points.values())]
        path = " ".join(f"{x:.1f},{height:.1f}" for x, height in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS["ours"]}" stroke-width="2"/>')
        for (x, height), (size, value) in zip(places, points.items()):
            parts.append(f'<circle cx="{x:.1f}" cy="{height:.1f}" r="3" fill="{COLOURS["ours"]}"/>')
            parts.append(text(x - 12, height - 7, f"{value:.2f}"))
            parts.append(text(x - 16, bottom + 16, f"{size:,}"))
        y += 170
    return HEAD.format(WIDTH, y) + "\n".join(parts) + "\n</svg>\n"


def text(x, y, words, weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(words)}</text>'
