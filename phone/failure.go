package phone

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Failure is why something did not work: a sentence for the owner, and the cause, which only administrators see.
type Failure struct{ Said, Cause string }

const maxFailure = 1000 // bytes of a failure that are kept

// Kept returns the text in which a failure is stored: the sentence, and the cause below it.
func (f Failure) Kept() string {
	kept := f.Said
	if cause := strings.Join(strings.Fields(f.Cause), " "); cause != "" && cause != f.Said {
		kept += "\n" + cause
	}
	kept = strings.ReplaceAll(strings.ToValidUTF8(kept, "\uFFFD"), "\x00", "")
	if len(kept) > maxFailure {
		kept = strings.ToValidUTF8(kept[:maxFailure], "")
	}
	return kept
}

// technical is what an owner is told of a failure that was stored without a sentence.
const technical = "It failed for a technical reason, which administrators can see."

// ShowFailure returns what a viewer sees of a stored failure: the whole, or only the sentence for the owner.
func ShowFailure(kept string, whole bool) string {
	said, cause, _ := strings.Cut(kept, "\n")
	switch {
	case whole && cause != "":
		return said + " (" + cause + ")"
	case whole, said == "", sentence(said):
		return said
	}
	return technical
}

// sentence tells a text of ours from an error, which begins with a lower-case letter or a code.
func sentence(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(first)
}
