// A foreign verifier: Debian's golang.org/x/mod sumdb/note and tlog check our checkpoint, our tiles and
// our receipts. Usage: gonote VKEY CHECKPOINT TILES_DIR RECEIPT ENTRY OLD_CHECKPOINT
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "gonote: "+format+"\n", args...)
	os.Exit(1)
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		fail("%v", err)
	}
	return data
}

// parse takes the three lines of a checkpoint; tlog.ParseTree insists on Go's own first line.
func parse(text string) (size int64, root tlog.Hash) {
	lines := strings.Split(text, "\n")
	if len(lines) < 3 {
		fail("a checkpoint of %d lines", len(lines))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("size: %v", err)
	}
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(raw) != tlog.HashSize {
		fail("root: %v", err)
	}
	copy(root[:], raw)
	return size, root
}

// reader serves tiles from a folder. Go's tile paths begin tile/8/ (the height); C2SP's do not say it.
type reader struct{ dir string }

func (r reader) Height() int { return 8 }
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		path := filepath.Join(r.dir, "tile/"+strings.TrimPrefix(tile.Path(), "tile/8/"))
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}
func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	if len(os.Args) != 7 {
		fail("six arguments")
	}
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fail("vkey: %v", err)
	}
	known := note.VerifierList(verifier)
	opened, err := note.Open(read(os.Args[2]), known)
	if err != nil {
		fail("checkpoint: %v", err)
	}
	size, root := parse(opened.Text)
	old, err := note.Open(read(os.Args[6]), known)
	if err != nil {
		fail("old checkpoint: %v", err)
	}
	oldSize, oldRoot := parse(old.Text)

	// Proofs made by Go from our tiles: TileHashReader checks every tile against the root it is given.
	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, reader{os.Args[3]})
	tree, err := tlog.ProveTree(size, oldSize, hashes)
	if err != nil {
		fail("consistency from tiles: %v", err)
	}
	if err := tlog.CheckTree(tree, size, root, oldSize, oldRoot); err != nil {
		fail("consistency: %v", err)
	}

	// Our receipt, read line by line.
	text := string(read(os.Args[4]))
	head, rest, found := strings.Cut(text, "\n\n")
	if !found || rest != string(read(os.Args[2])) {
		fail("the receipt does not end with the checkpoint")
	}
	var index int64 = -1
	var proof tlog.RecordProof
	for i, line := range strings.Split(head, "\n") {
		switch {
		case i == 0 && line == "c2sp.org/tlog-proof@v1":
		case strings.HasPrefix(line, "extra "):
		case strings.HasPrefix(line, "index "):
			index, err = strconv.ParseInt(line[len("index "):], 10, 64)
			if err != nil {
				fail("index: %v", err)
			}
		default:
			raw, err := base64.StdEncoding.DecodeString(line)
			if err != nil || len(raw) != tlog.HashSize {
				fail("path: %v", err)
			}
			var h tlog.Hash
			copy(h[:], raw)
			proof = append(proof, h)
		}
	}
	if err := tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(read(os.Args[5]))); err != nil {
		fail("inclusion: %v", err)
	}
	made, err := tlog.ProveRecord(size, index, hashes)
	if err != nil {
		fail("inclusion from tiles: %v", err)
	}
	if fmt.Sprint(made) != fmt.Sprint(proof) {
		fail("Go's proof from our tiles and ours differ")
	}
	fmt.Println("go: checkpoint, tiles, consistency and inclusion accepted")
}
