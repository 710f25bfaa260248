package simulate

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// Plots returns the report's curves as SVG, by file name: for each number of colluders the
// share of trials that name nobody, and for innocent copies how often they reach an
// E-value, beside the bound.
func (r Report) Plots() map[string][]byte {
	out := map[string][]byte{}
	for _, c := range r.Study.Colluders {
		p := plot{title: fmt.Sprintf("%d colluding of %d copies: trials that name nobody", c, r.Study.Scenario.Copies), x: "surviving cells", y: "%"}
		for _, a := range r.Study.Attacks {
			l := line{name: string(a)}
			for _, at := range slices.Concat(r.Points, r.Needs) {
				if at.Scenario.Attack == a && at.Scenario.Colluders == c && at.Cells > 0 {
					miss, _ := at.Miss()
					l.points = append(l.points, [2]float64{at.Cells, 100 * miss})
				}
			}
			slices.SortFunc(l.points, func(a, b [2]float64) int { return int(math.Copysign(1, a[0]-b[0])) })
			if len(l.points) > 1 {
				p.lines = append(p.lines, l)
			}
		}
		if len(p.lines) > 0 {
			out[fmt.Sprintf("miss-%d.svg", c)] = p.svg()
		}
	}
	if f := r.Innocents(); f.Innocents > 0 {
		p := plot{title: "innocent copies that reach an E-value", x: "log10 E", y: "log10 of their share"}
		seen, bound := line{name: "seen"}, line{name: "bound"}
		for i, level := range levels() {
			if f.Above[i] > 0 {
				seen.points = append(seen.points, [2]float64{math.Log10(level), math.Log10(float64(f.Above[i]) / float64(f.Innocents))})
			}
			bound.points = append(bound.points, [2]float64{math.Log10(level), -math.Log10(level)})
		}
		p.lines = []line{seen, bound}
		out["false.svg"] = p.svg()
	}
	return out
}

type line struct {
	name   string
	points [][2]float64
}

type plot struct {
	title, x, y string
	lines       []line
}

// The frame of a plot, in pixels.
const (
	width, height = 640, 400
	left, right   = 56, 500
	top, bottom   = 40, 350
)

// svg draws the plot: colours that the colour-blind tell apart, and a mark of its own for
// each line.
func (p plot) svg() []byte {
	colours := []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"}
	from, to := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, l := range p.lines {
		for _, q := range l.points {
			for i := range 2 {
				from[i], to[i] = min(from[i], q[i], 0), max(to[i], q[i])
			}
		}
	}
	place := func(q [2]float64) (x, y float64) {
		at := func(i int) float64 { return (q[i] - from[i]) / max(to[i]-from[i], 1e-9) }
		return left + at(0)*(right-left), bottom - at(1)*(bottom-top)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="22" font-size="14">%s</text>`+"\n", width, height, left, p.title)
	for i := range 5 {
		share := float64(i) / 4
		q := [2]float64{from[0] + share*(to[0]-from[0]), from[1] + share*(to[1]-from[1])}
		x, y := place(q)
		fmt.Fprintf(&b, `<path d="M%.1f %dV%dM%d %.1fH%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%.4g</text><text x="%d" y="%.1f" text-anchor="end">%.3g</text>`+"\n",
			x, top, bottom, left, y, right, x, bottom+16, q[0], left-6, y+4, q[1])
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text><text x="8" y="%d">%s</text>`+"\n", (left+right)/2, bottom+36, p.x, top-6, p.y)
	for i, l := range p.lines {
		colour := colours[i%len(colours)]
		path := ""
		for k, q := range l.points {
			x, y := place(q)
			path += fmt.Sprintf("%c%.1f %.1f", "ML"[min(k, 1)], x, y)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="%d" fill="%s"/>`, x, y, 2+i%3, colour)
		}
		at := top + 18*i
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-dasharray="%d %d"/>`, path, colour, 6+i, i)
		fmt.Fprintf(&b, `<path d="M%d %dh20" stroke="%s" stroke-width="1.5" stroke-dasharray="%d %d"/><text x="%d" y="%d">%s</text>`+"\n", right+12, at, colour, 6+i, i, right+38, at+4, l.name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
