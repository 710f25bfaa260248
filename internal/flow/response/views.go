package response

import (
	"context"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/keeper"
)

// views are the single views whose names a sample shows, and how many there ever were.
type views struct {
	found []keeper.View
	all   int
}

// views asks whose views some names are of, after the sample is frozen.
func (f *Flow) views(ctx context.Context, t keeper.Trace, names []leak.ViewToken) (out views, err error) {
	for some := range slices.Chunk(append([]leak.ViewToken{{}}, names...), keeper.MaxViews) { // of none, too: views are counted
		out.all = 0
		for at := uint64(0); ; {
			g, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceViews, At: at, Views: some})
			if err != nil {
				return out, err
			}
			out.found, out.all = append(out.found, g.Views...), out.all+g.All
			if at = g.Next; at == 0 {
				break
			}
		}
	}
	return out, nil
}

// views weighs single views under their own bound: each name was drawn for one view, and stood
// beside what that showed.
func (c *Case) views(shown []leak.ViewToken, seen views, log *logs) (out []Found) {
	bound := leak.Views(c.N, seen.all)
	c.Views, c.ViewsAt, c.Seen = seen.all, bound.Threshold()/ln10, []string{}
	for _, name := range shown {
		c.Seen = append(c.Seen, name.String())
	}
	for i := range seen.found {
		v := &seen.found[i]
		part := leak.WeighView(len(shown))
		one := found(leak.Conclude(c.Ours, bound, part.LnE, 0))
		one.Account, one.View, one.Parts = v.Who, v.Token.String(), []leak.Part{part}
		one.Opened = log.among([]*keeper.Reading{&v.Reading}, lastOf(c.Snapshots))
		out = append(out, one)
	}
	return out
}
