package backup

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/amanah-project/amanah/internal/store"
)

// Rows of a table are cut into pieces where a row's key says so, so that a row that
// is added, changed or gone changes one piece and not all after it.
const (
	cutMask  = 1<<12 - 1 // about every 4,096th row ends a piece
	cutBytes = 4 << 20   // and every row that fills one
)

// appendRow writes a row: numbers as varints, the rest as a length and its bytes.
func appendRow(b []byte, t store.Table, row []store.Value) []byte {
	for i, c := range t.Columns {
		if c.Kind == store.IntValue {
			b = binary.AppendVarint(b, row[i].Int)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(row[i].Bytes)))
		b = append(b, row[i].Bytes...)
	}
	return b
}

// readRows reads the rows of a piece; ErrPiece for what appendRow did not write.
func readRows(b []byte, t store.Table, fn func([]store.Value) error) error {
	for len(b) > 0 {
		row := make([]store.Value, len(t.Columns))
		for i, c := range t.Columns {
			if c.Kind == store.IntValue {
				v, n := binary.Varint(b)
				if n <= 0 {
					return ErrPiece
				}
				row[i].Int, b = v, b[n:]
				continue
			}
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return ErrPiece
			}
			row[i].Bytes, b = b[n:n+int(size):n+int(size)], b[n+int(size):]
		}
		if err := fn(row); err != nil {
			return err
		}
		if len(t.Columns) == 0 {
			return ErrPiece
		}
	}
	return nil
}

// ends reports whether a row ends its piece.
func ends(t store.Table, row []store.Value) bool {
	h := crc32.NewIEEE()
	for i, c := range t.Columns {
		if c.Key > 0 {
			_, _ = h.Write(binary.AppendVarint(nil, row[i].Int)) // never fails
			_, _ = h.Write(row[i].Bytes)
		}
	}
	return h.Sum32()&cutMask == 0
}

// cutter gathers rows into pieces.
type cutter struct {
	table  store.Table
	put    func(content []byte, rows int) (Piece, error)
	pieces []Piece
	buf    []byte
	rows   int
}

func (c *cutter) add(row []store.Value) error {
	c.buf = appendRow(c.buf, c.table, row)
	c.rows++
	if len(c.buf) < cutBytes && !ends(c.table, row) {
		return nil
	}
	return c.end()
}

func (c *cutter) end() error {
	if c.rows == 0 {
		return nil
	}
	p, err := c.put(c.buf, c.rows)
	c.pieces, c.buf, c.rows = append(c.pieces, p), c.buf[:0], 0
	return err
}
