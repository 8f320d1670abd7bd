package view

// Upload tells how far the upload of a dependency is: a line when it begins, and,
// of a large one, one for each tenth.
type Upload struct {
	term  *Terminal
	name  string
	total int64
	sent  int64
	tenth int64
}

// uploadLarge is from which size on an upload is told about again, in bytes.
const uploadLarge = 32 << 20

// NewUpload says that an upload begins, unless it is quiet.
func NewUpload(t *Terminal, name string, files int, bytes int64, quiet bool) *Upload {
	if quiet {
		return &Upload{}
	}
	t.Notef("Uploading %s: %s, %s\n", name, count(files, "file"), size(bytes))
	return &Upload{term: t, name: name, total: bytes}
}

// Add says that so many more bytes have gone.
func (u *Upload) Add(bytes int64) {
	u.sent += bytes
	if u.term == nil || u.total < uploadLarge || u.sent*10/u.total == u.tenth {
		return
	}
	u.tenth = u.sent * 10 / u.total
	u.term.Notef("Uploading %s: %d %%\n", u.name, u.tenth*10)
}
