package dicom

import (
	"errors"
	"io"
)

// inflating bounds what a deflated data set may become.
type inflating struct {
	from  io.Reader
	left  int64
	given int64
	raw   *counted
}

// What a few bytes become is no image: an image deflates to a twentieth, seldom to a fiftieth.
const (
	maxRatio = 250
	slack    = 16 << 20
)

// counted counts the bytes of the file that were read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

var errInflated = errors.New("inflated too far")

func (i *inflating) Read(p []byte) (int, error) {
	if i.left <= 0 || i.given > slack && i.given > maxRatio*i.raw.n {
		return 0, errInflated
	}
	n, err := i.from.Read(p[:min(int64(len(p)), i.left)])
	i.left -= int64(n)
	i.given += int64(n)
	return n, err
}
