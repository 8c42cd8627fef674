// Package assets holds the console's style and script. Their names have a hash of their bytes, so that a browser may
// keep them for ever.
package assets

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed console.css console.js
var files embed.FS

// Prefix is the path under which Handler serves the files.
const Prefix = "/console/assets/"

var types = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

// asset is a file with the name under which it is served.
type asset struct {
	name, kind string
	bytes      []byte
}

var (
	style  = mustLoad("console.css")
	script = mustLoad("console.js")
)

// mustLoad reads an embedded file, which is there if the package was built.
func mustLoad(name string) asset {
	bytes, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("read asset: %v", err)) //nolint:forbidigo // a fault of this package's source
	}
	sum := sha256.Sum256(bytes)
	base, extension, _ := strings.Cut(name, ".")
	return asset{base + "." + hex.EncodeToString(sum[:8]) + "." + extension, types["."+extension], bytes}
}

// Style returns the path of the style sheet.
func Style() string { return Prefix + style.name }

// Script returns the path of the script.
func Script() string { return Prefix + script.name }

// Handler serves the files. An old name is 404: the page that named it is old too.
func Handler(w http.ResponseWriter, r *http.Request) {
	for _, a := range []asset{style, script} {
		if path.Base(r.URL.Path) == a.name {
			w.Header().Set("Content-Type", a.kind)
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			_, _ = w.Write(a.bytes) // the client is gone
			return
		}
	}
	http.NotFound(w, r)
}
