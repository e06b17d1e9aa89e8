package countersign

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Checkpoint records how far the audit log of an agency had come at a moment:
// its last row and that row's digest, which covers every row before it. It is
// signed, so that write access to the database is not enough to make one; a copy kept
// elsewhere proves later that nothing before it was cut off or rewritten (AU-03).
type Checkpoint struct {
	Agency    AgencyID
	Seq       int64
	Digest    string // SHA-256 in hex
	At        time.Time
	Signature string // Ed25519 of Text, in base64
}

const checkpointHead = "countersign-checkpoint-1"

// Text returns the text that is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s %s %d %s %s", checkpointHead, c.Agency, c.Seq, c.Digest, c.At.UTC().Format(time.RFC3339))
}

// String returns the checkpoint as one line that can be printed and kept.
func (c Checkpoint) String() string { return c.Text() + " " + c.Signature }

// ParseCheckpoint parses the result of String.
func ParseCheckpoint(line string) (Checkpoint, error) {
	fields := strings.Fields(line)
	if len(fields) != 6 || fields[0] != checkpointHead {
		return Checkpoint{}, fmt.Errorf("a checkpoint is a line of six words that begins with %s", checkpointHead)
	}
	seq, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || seq < 1 {
		return Checkpoint{}, fmt.Errorf("the checkpoint names row %q, which is no number", fields[2])
	}
	at, err := time.Parse(time.RFC3339, fields[4])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint's time %q is none", fields[4])
	}
	return Checkpoint{Agency: AgencyID(fields[1]), Seq: seq, Digest: fields[3], At: at, Signature: fields[5]}, nil
}

// An EventQuery selects rows of the audit log; zero fields select all.
type EventQuery struct {
	Subject string
	Actor   string
	Action  string    // in full, or a family with a dot at its end: "sign-in."
	Since   time.Time // this instant and later
	Until   time.Time // before this instant
	After   int64     // rows above this number only
	Limit   int       // the newest so many; 0: all
}

// An Inconsistency is a fault in the audit log of an agency.
type Inconsistency struct {
	Seq  int64  // the row where it shows
	What string // a sentence
}
