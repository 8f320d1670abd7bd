package cli

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/engine/record"
)

// lockFile says which folder owns a project. It is made once and goes into the
// folder's history.
const lockFile = ".lft.lock.hcl"

// readLineage returns the lineage of a folder, "" when it has none yet.
func readLineage(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the folder's lineage: %w", err)
	}
	if len(data) > maxLock {
		return "", fmt.Errorf("%s has %d bytes; what lft wrote there has a few", lockFile, len(data))
	}
	return parseLineage(data)
}

// maxLock bounds the lock file.
const maxLock = 4 << 10

func parseLineage(data []byte) (string, error) {
	file, diags := hclsyntax.ParseConfig(data, lockFile, hcl.InitialPos)
	if diags.HasErrors() {
		return "", diags
	}
	content, diags := file.Body.Content(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "lineage", Required: true}}})
	if diags.HasErrors() {
		return "", diags
	}
	attr := content.Attributes["lineage"]
	// A text and nothing to be computed.
	if text, ok := attr.Expr.(*hclsyntax.TemplateExpr); ok && text.IsStringLiteral() {
		if value, diags := text.Value(nil); !diags.HasErrors() && record.ValidExecutionID(value.AsString()) {
			return value.AsString(), nil
		}
	}
	return "", fmt.Errorf("%s: lineage must be the text that lft wrote there", attr.Range)
}

// mintLineage returns the folder's lineage, and makes it when there is none. Of
// two processes that make it at once, both get the same.
func mintLineage(dir string) (string, error) {
	if lineage, err := readLineage(dir); lineage != "" || err != nil {
		return lineage, err
	}
	var content bytes.Buffer
	fmt.Fprintf(&content, "# Made by lft, to be committed: it says that this folder owns its project, in every state it is applied to.\n")
	fmt.Fprintf(&content, "lineage = %q\n", newID())
	temporary, err := os.CreateTemp(dir, lockFile+".*")
	if err != nil {
		return "", fmt.Errorf("make the folder's lineage: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(content.Bytes())
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Sync(), temporary.Close())
	if err == nil {
		// A link, because it fails where a rename would replace another's.
		err = os.Link(temporary.Name(), filepath.Join(dir, lockFile))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make the folder's lineage: %w", err)
	}
	return readLineage(dir)
}

// newID makes an id that is nobody else's.
func newID() string {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return record.NewID(random)
}
