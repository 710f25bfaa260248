package leak

// Likeness is what a document is known again by when it turns up elsewhere. It is of the
// content in the clear and stays in memory: what is kept of it is under a key (package
// trace/index).
type Likeness struct {
	File   [32]byte  // SHA-256 of the file
	Pixels [32]byte  // SHA-256 of what an image shows; zero of no image, of one too large, and of a blank one
	UIDs   [3]string // of a DICOM file: its instance, study and series
	Words  []uint64  // of its text: hashes of runs of words, at most MostWords
}

// MostWords bounds the runs of words that are kept of a document.
const MostWords = 32

// UIDName names an image, series or study by its UID, as the rows of UIDs are named.
func UIDName(uid string) string { return "dicom uid " + uid }
