package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// address is a state address, taken apart.
type address struct {
	sqlite string // path of the file, or "" for MySQL

	user, password, host, database string
	socket, tls                    string
}

// String never shows the password.
func (a address) String() string {
	if a.sqlite != "" {
		return "sqlite://" + a.sqlite
	}
	where := a.host
	if a.socket != "" {
		where = a.socket
	}
	return "mysql://" + a.user + "@" + where + "/" + a.database
}

func parseAddress(text string) (address, error) {
	if path, ok := strings.CutPrefix(text, "sqlite://"); ok {
		if path == "" {
			return address{}, errors.New(`state address "sqlite://" names no file`)
		}
		return address{sqlite: path}, nil
	}
	if !strings.HasPrefix(text, "mysql://") {
		return address{}, errors.New("a state address is mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH")
	}
	u, err := url.Parse(text)
	if err != nil {
		// The error of url.Parse repeats the text, password included.
		return address{}, errors.New("the state address is not a URL; write special characters of the password as %XX")
	}
	a := address{host: u.Host, user: u.User.Username(), database: strings.TrimPrefix(u.Path, "/")}
	a.password, _ = u.User.Password()
	if u.Port() == "" {
		a.host = net.JoinHostPort(u.Hostname(), "3306")
	}
	for key, values := range u.Query() {
		switch value := values[len(values)-1]; key {
		case "socket":
			a.socket = value
		case "tls":
			a.tls = value
		default:
			return address{}, fmt.Errorf("state address %s: unknown option %q (known: socket, tls)", a, key)
		}
	}
	switch {
	case a.user == "":
		return address{}, fmt.Errorf("state address %s names no user", a)
	case a.database == "" || strings.Contains(a.database, "/"):
		return address{}, fmt.Errorf("state address %s must end in the name of one database", a)
	case u.Hostname() == "" && a.socket == "":
		return address{}, fmt.Errorf("state address %s names no host", a)
	}
	return a, nil
}
