"""What the benchmarks write into docs/performance.md: text between marks, the machine's line, and plots."""
import os
import platform
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "performance.md")
COLORS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#555555", "#16a085", "#b03a8c")


def write_section(mark, text):
    """Replaces what stands between the marks of docs/performance.md."""
    begin, end = f"<!-- begin {mark} -->\n", f"<!-- end {mark} -->"
    with open(PAGE, encoding="utf-8") as file:
        head, _, rest = file.read().partition(begin)
    _, _, tail = rest.partition(end)
    assert tail, f"no marks for {mark} in {PAGE}"
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(f"{head}{begin}{text}\n{end}{tail}")


def write_plot(name, text):
    with open(os.path.join(ROOT, "docs", name), "w", encoding="utf-8") as file:
        file.write(text)


def machine_note():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        model = re.search(r"^model name\s*: (.*)$", cpuinfo.read(), re.MULTILINE)
    name = model[1] if model else platform.machine()
    return (f"{name}, {os.cpu_count()} processors, Linux {platform.release().split('-')[0]}; "
            f"load average when it ended: {os.getloadavg()[0]:.1f}.")


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|",
                      *("| " + " | ".join(row) + " |" for row in rows)])


def plot(series, xs, below, left_of, step):
    """An SVG of {name: [y for each x]}; the x stand side by side, whatever lies between them."""
    width, height, left, bottom, top = 720, 320, 60, 270, 24
    names = [name for name, ys in series.items() if any(y is not None for y in ys)]
    most = max(y for ys in series.values() for y in ys if y is not None) * 1.1
    at_x = lambda i: left + i * (width - left - 200) / max(len(xs) - 1, 1)
    at_y = lambda y: bottom - y / most * (bottom - top)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="#fff"/>']
    for mark in range(0, int(most) + 1, step):
        parts.append(f'<path d="M{left} {at_y(mark):.0f}H{at_x(len(xs) - 1):.0f}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{at_y(mark) + 4:.0f}" text-anchor="end">{mark:,}</text>')
    for i, x in enumerate(xs):
        parts.append(f'<text x="{at_x(i):.0f}" y="{bottom + 18}" text-anchor="middle">{x:,}</text>')
    parts.append(f'<text x="{left}" y="{top - 8}">{left_of}</text><text x="{left}" y="{bottom + 38}">{below}</text>')
    label_places = _apart([(at_y([y for y in series[name] if y is not None][-1]), name) for name in names])
    for name, color in zip(names, COLORS):
        points = [(at_x(i), at_y(y)) for i, y in enumerate(series[name]) if y is not None]
        parts.append(f'<polyline points="{" ".join(f"{x:.0f},{y:.0f}" for x, y in points)}" fill="none" '
                     f'stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{color}"/>' for x, y in points]
        parts.append(f'<text x="{at_x(len(xs) - 1) + 10:.0f}" y="{label_places[name]:.0f}" fill="{color}">{name}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def _apart(ends):
    """Where the names stand: beside the ends of their lines, but not on one another."""
    places, last = {}, 0
    for y, name in sorted(ends):
        last = max(y + 4, last + 14)
        places[name] = last
    return places
