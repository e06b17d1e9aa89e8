package countersign

import (
	"testing"
)

// Pasted text is stored without its invisible characters; visible ones stay.
func TestCleanText(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"  Bob Smith\u00a0":                 "Bob Smith",
		"Bob\u00a0Smith":                    "Bob Smith",
		"Bob\u3000Smith\u2009Jr.":           "Bob Smith Jr.",
		"\ufeffBob\u200b Smi\u00adth\u2060": "Bob Smith",
		"\u202aBob Smith\u202c":             "Bob Smith",
		"\u2068Bob\u2069 \u200eSmith\u200f": "Bob Smith",
		"Bob\u200dSmith":                    "BobSmith",
		"Bob\U000e0041Smith":                "BobSmith", // a tag
		"Bob\u3164Smith":                    "BobSmith", // a filler of Hangul
		"Zoe\u0308":                         "Zo\u00eb",
		"می\u200cخواهم":                     "می\u200cخواهم", // a joiner that Persian needs
		"葛\U000e0100城":                      "葛\U000e0100城",  // a variant of a Han character
		"Bob\ufe0f":                         "Bob",
		"Ｂｏｂ":                               "Ｂｏｂ",
		"evil\u202ebob":                     "evil\u202ebob", // for IsLine to refuse
		"two\nlines\tand a tab":             "two\nlines\tand a tab",
		"\u200b\u00a0":                      "",
	} {
		if got := CleanText(typed); got != want {
			t.Errorf("%q becomes %q, want %q", typed, got, want)
		}
		if once := CleanText(typed); CleanText(once) != once {
			t.Errorf("%q changes again: %q", once, CleanText(once))
		}
	}
}

func TestCleanID(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"\u200bＢＳＭＩＴＨ\u00a0":                 "BSMITH",
		"b\u00adsmith＠acme.example":          "bsmith@acme.example",
		"Bob\u200d":                          "Bob",
		"\u202a+1 (614)\u00a0555‑0112\u202c": "+1 (614) 555\u20100112",
	} {
		if got := CleanID(typed); got != want {
			t.Errorf("%q becomes %q, want %q", typed, got, want)
		}
	}
}

// The error for a user ID with a lookalike letter of another alphabet names that letter. A
// user ID with invisible characters is compared without them.
func TestUserIDsThatLookAlike(t *testing.T) {
	t.Parallel()
	for login, want := range map[string]string{
		"BSMITH":       "",
		"\u0412SMITH":  "“В” (U+0412)", // Cyrillic
		"BSM\u0399TH":  "“Ι” (U+0399)", // Greek
		"BS\u0301MITH": "U+0301",
	} {
		err, _ := CheckLogin(login).(*Error)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q is refused: %v", login, err)
		case want != "" && (err == nil || err.Code != "user_id.character" || err.Args["Character"] != want):
			t.Errorf("%q: %v, want %s", login, err, want)
		}
	}
	if FoldLogin("\u200bbs\u00admith\u2060") != FoldLogin("ＢＳＭＩＴＨ") {
		t.Error("an invisible character makes another user ID")
	}
}

func TestIsLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Bob Smith": true, "Zoë 葛城": true, "": true,
		"two\nlines": false, "a\tb": false, "a\x00b": false, "a\x7fb": false, "a\u009bb": false, "a\u2028b": false, "a\u202eb": false, "a\ufffdb": false,
	} {
		if IsLine(text) != want {
			t.Errorf("%q is a line: %v", text, !want)
		}
	}
}
