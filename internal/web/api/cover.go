package api

import (
	"context"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
)

// cover sends a request that no act of the gate serves through it, so that the link
// is checked and an intent left as for every other; wrong says why it cannot be
// served at all.
func (d *Device) cover(ctx context.Context, a gate.Ask, wrong error) error {
	return d.covered(ctx, a, wrong).Err
}

// covered is cover with all that the gate answers: how many colours of the day are
// left, too.
func (d *Device) covered(ctx context.Context, a gate.Ask, wrong error) gate.Answer {
	a.Act = venue.ActCover
	if wrong != nil {
		a.Act, a.Fault = venue.ActVoid, wrong
	}
	return d.Gate.Do(ctx, a)
}

// pageOf reads the page, from 0, that a path asks for.
func pageOf(path, resource string) (int, error) {
	path, q, asked := strings.Cut(path, "?page=")
	if path != resource {
		return 0, ErrRoute
	}
	if !asked {
		return 0, nil
	}
	n, err := strconv.Atoi(q)
	if err != nil || n < 0 || n > 1000 {
		return 0, ErrRoute
	}
	return n, nil
}
