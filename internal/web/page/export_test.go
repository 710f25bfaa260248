package page

// Phrases lists the texts of the pages: key, Indonesian, English.
func Phrases() [][3]string {
	var out [][3]string
	for _, p := range phrases() {
		out = append(out, [3]string{p.key, p.id, p.en})
	}
	return out
}

// Network is where a request comes from, as limits see it.
var Network = (*Pages).network
