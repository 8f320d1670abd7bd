package launch

import (
	"os"
	"os/user"
	"strings"
)

// DefaultPath is a job's PATH when it says none.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// BaseEnviron is what every job finds in its environment unless it says
// otherwise: who it runs as, and nothing of how its parent was started.
func BaseEnviron() []string {
	name, home := "", "/"
	if u, err := user.Current(); err == nil {
		name, home = u.Username, u.HomeDir
	} else if h, err := os.UserHomeDir(); err == nil {
		home = h
	}
	env := []string{"PATH=" + DefaultPath, "HOME=" + home, "LANG=C.UTF-8"}
	if name != "" {
		env = append(env, "USER="+name, "LOGNAME="+name)
	}
	return env
}

// Environ joins layers of NAME=value; of one name the last layer holds. The
// order is that of first mention. A word that is no NAME=value is dropped, as no
// program could read it.
func Environ(layers ...[]string) []string {
	n := 0
	for _, l := range layers {
		n += len(l)
	}
	env := make([]string, 0, n)
	place := make(map[string]int, n)
	for _, layer := range layers {
		for _, entry := range layer {
			name, _, ok := strings.Cut(entry, "=")
			if !ok || name == "" || strings.IndexByte(entry, 0) >= 0 {
				continue
			}
			if at, ok := place[name]; ok {
				env[at] = entry
				continue
			}
			place[name] = len(env)
			env = append(env, entry)
		}
	}
	return env
}

// Getenv is the value of name in env.
func Getenv(env []string, name string) string {
	for _, entry := range env {
		if n, v, ok := strings.Cut(entry, "="); ok && n == name {
			return v
		}
	}
	return ""
}
