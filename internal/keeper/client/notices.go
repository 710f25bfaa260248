package client

import (
	"context"

	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// Notices asks for what people are to be told of that came after a place of the journal,
// within the life of a notice, the earliest first, at most n.
func (c *Client) Notices(ctx context.Context, after uint64, n int) ([]notice.Notice, error) {
	a, err := c.call(ctx, &wire.Request{Call: wire.Notices, Run: after, N: n})
	if err != nil {
		return nil, err
	}
	return a.Noticed, nil
}
