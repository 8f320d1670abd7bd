package view

// Version is what lft says about itself.
type Version struct {
	Version  string `json:"version"`
	Platform string `json:"platform"`
	Go       string `json:"go"`
}

// Show writes the version as text or JSON.
func (v Version) Show(t *Terminal, asJSON bool) error {
	if asJSON {
		return t.JSON(v)
	}
	t.Printf("lft %s on %s\n", v.Version, v.Platform)
	return nil
}
