package secret

import (
	"bufio"
	"bytes"
	"crypto/sha1" // #nosec G505 -- the published lists are of SHA-1
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/FastFilter/xorfilter"
	"golang.org/x/text/unicode/norm"

	"countersign/internal/textfile"
)

// A Breached is the operator's list of stolen passwords, compressed to 16 bits for each.
// It wrongly reports about one in 65,536 other passwords (PW-04). The nil *Breached is
// empty.
type Breached struct {
	filter xorfilter.BinaryFuse[uint16]
	count  uint64
}

// breachedMagic begins a file and names its version.
const breachedMagic = "countersign breached 1\n"

// Count returns how many passwords the list was made from.
func (b *Breached) Count() uint64 { return b.count }

// Has reports whether a password is in the list.
func (b *Breached) Has(password string) bool {
	if b == nil {
		return false
	}
	sum := sha1.Sum([]byte(norm.NFC.String(password))) // #nosec G401 -- the published lists are of SHA-1
	return b.filter.Contains(binary.BigEndian.Uint64(sum[:]))
}

// BuildBreached makes the filter from lines that hold the SHA-1 of a password in hex
// and, after a colon, how often it was seen. It leaves out those seen less often than
// atLeast, and skips empty lines. For any other line its error names the line number.
func BuildBreached(lines io.Reader, atLeast int) (*Breached, error) {
	var keys []uint64
	scan := bufio.NewScanner(textfile.NewReader(lines))
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" {
			continue
		}
		key, seen, err := breachedLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if seen >= atLeast {
			keys = append(keys, key)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) == 0 {
		return nil, errors.New("no line is left, so there is nothing to make a filter of")
	}
	filter, err := xorfilter.NewBinaryFuse[uint16](keys)
	if err != nil {
		return nil, err
	}
	return &Breached{filter: *filter, count: uint64(len(keys))}, nil
}

// breachedLine reads one line; seen is 1 where the line has no count.
func breachedLine(line string) (key uint64, seen int, err error) {
	digest, count, counted := strings.Cut(line, ":")
	raw, err := hex.DecodeString(digest)
	if err != nil || len(raw) != sha1.Size {
		return 0, 0, errors.New("it does not begin with the 40 hexadecimal digits of a SHA-1")
	}
	seen = 1
	if counted {
		if seen, err = strconv.Atoi(strings.TrimSpace(count)); err != nil {
			return 0, 0, errors.New("after the colon there is no whole number")
		}
	}
	return binary.BigEndian.Uint64(raw), seen, nil
}

// A breachedHead comes between the magic and the fingerprints of a file.
type breachedHead struct {
	Count                                                              uint64
	Seed                                                               uint64
	SegmentLength, SegmentLengthMask, SegmentCount, SegmentCountLength uint32
	Fingerprints                                                       uint64
}

// Write writes the filter as a file that ends with a digest of all of it.
func (b *Breached) Write(to io.Writer) error {
	sum := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(to, sum))
	f := b.filter
	head := breachedHead{b.count, f.Seed, f.SegmentLength, f.SegmentLengthMask, f.SegmentCount, f.SegmentCountLength, uint64(len(f.Fingerprints))}
	_, err := w.WriteString(breachedMagic)
	err = errors.Join(err, binary.Write(w, binary.LittleEndian, head), binary.Write(w, binary.LittleEndian, f.Fingerprints), w.Flush())
	if err != nil {
		return err
	}
	_, err = to.Write(sum.Sum(nil))
	return err
}

// LoadBreached reads a file of Write. Its error says whether the file is damaged, cut
// short or of another kind.
func LoadBreached(path string) (*Breached, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(data, []byte(breachedMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, errors.New("it is not a file of countersign password-filter build, or of another version")
	}
	end := len(data) - sha256.Size
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return nil, errors.New("it is damaged; make it anew with countersign password-filter build")
	}
	return readBreached(rest[:len(rest)-sha256.Size])
}

// readBreached checks that the parts of a filter fit together; otherwise a lookup would
// read beyond its end.
func readBreached(data []byte) (*Breached, error) {
	var head breachedHead
	r := bytes.NewReader(data)
	if err := binary.Read(r, binary.LittleEndian, &head); err != nil {
		return nil, errors.New("its head is cut short")
	}
	fits := uint64(r.Len()) == 2*head.Fingerprints &&
		head.SegmentLength > 0 && head.SegmentLengthMask == head.SegmentLength-1 && head.SegmentLength&head.SegmentLengthMask == 0 &&
		uint64(head.SegmentCountLength) == uint64(head.SegmentCount)*uint64(head.SegmentLength) &&
		head.Fingerprints == uint64(head.SegmentCountLength)+2*uint64(head.SegmentLength)
	if !fits {
		return nil, errors.New("its parts do not belong together; make it anew with countersign password-filter build")
	}
	b := &Breached{count: head.Count, filter: xorfilter.BinaryFuse[uint16]{Seed: head.Seed, SegmentLength: head.SegmentLength,
		SegmentLengthMask: head.SegmentLengthMask, SegmentCount: head.SegmentCount, SegmentCountLength: head.SegmentCountLength,
		Fingerprints: make([]uint16, head.Fingerprints)}}
	return b, binary.Read(r, binary.LittleEndian, b.filter.Fingerprints)
}
