package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
)

// client is the API of lft, wherever it answers. Close it after the verb. Every
// call of it may be repeated by the client itself, so that a master's death is
// survived; what must not happen twice carries an id made here.
type client struct {
	deploy lftv1connect.DeployServiceClient
	run    lftv1connect.RunServiceClient
	fleet  lftv1connect.FleetServiceClient

	route *route
}

// Close ends what connect has started. The verb has its answer by now, so what
// goes wrong here is nobody's loss.
func (c *client) Close() { _ = c.route.close() }

// stateFlags say where the state is, for every verb that asks for it.
func stateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "state", Usage: "the database, mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH (LFT_STATE)"},
		&cli.StringFlag{Name: "master", Usage: "masters to ask instead, a comma-separated list (LFT_MASTER)"},
	}
}

// defaultState is the state of a folder that names no other.
const defaultState = "sqlite://.lft/lft.db"

// address is where the state is: one of its fields is set.
type address struct {
	state   string
	masters []string
}

// findState reads the flags and the environment. A flag beats the environment,
// whichever of the two it names.
func findState(cmd *cli.Command, getenv func(string) string) (address, error) {
	state, masters := cmd.String("state"), cmd.String("master")
	from := "-state and -master"
	if state == "" && masters == "" {
		state, masters = getenv("LFT_STATE"), getenv("LFT_MASTER")
		from = "LFT_STATE and LFT_MASTER"
	}
	switch {
	case state != "" && masters != "":
		return address{}, fmt.Errorf("%s are both given; the state is either opened here or asked for from a master", from)
	case masters == "":
		return address{state: cmp.Or(state, defaultState)}, nil
	}
	var a address
	for m := range strings.SplitSeq(masters, ",") {
		m = strings.TrimSpace(m)
		if _, err := baseURL(m); err != nil {
			return address{}, err
		}
		a.masters = append(a.masters, m)
	}
	return a, nil
}

// baseURL reads a master's address: http://HOST:PORT, or HOST:PORT.
func baseURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a master; write it like http://127.0.0.1:7100", text)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// answerWithin is how long a client goes on asking while nobody answers: longer than
// a take-over lasts.
const answerWithin = 20 * time.Second

// connect finds the state a verb works on and returns its API.
func (a *app) connect(ctx context.Context, cmd *cli.Command) (*client, error) {
	return a.connectTo(ctx, cmd, reader)
}

// connectTo is connect; as says what this process becomes of a file that nobody
// owns.
func (a *app) connectTo(ctx context.Context, cmd *cli.Command, as part) (*client, error) {
	at, err := findState(cmd, os.Getenv)
	if err != nil {
		return nil, err
	}
	var homes []home
	for _, m := range at.masters {
		base, err := baseURL(m)
		if err != nil {
			return nil, err
		}
		homes = append(homes, newRemote(base))
	}
	if at.state != "" {
		homes = append(homes, &opened{state: at.state, app: a, part: as})
	}
	c := newClient(homes...)
	c.route.note = a.term.Notef
	// The first word is spoken here, so that a wrong address is said at once.
	if _, _, err := c.route.homes[0].reach(ctx); err != nil && len(homes) == 1 {
		c.Close()
		return nil, err
	}
	return c, nil
}

// maxAnswer bounds what the client takes in one message: a project's whole list
// of objects.
const maxAnswer = 256 << 20

func newClient(homes ...home) *client {
	r := &route{homes: homes, patience: answerWithin, by: localName()}
	options := []connect.ClientOption{connect.WithInterceptors(r), connect.WithReadMaxBytes(maxAnswer)}
	return &client{
		deploy: lftv1connect.NewDeployServiceClient(r, anywhere, options...),
		run:    lftv1connect.NewRunServiceClient(r, anywhere, options...),
		fleet:  lftv1connect.NewFleetServiceClient(r, anywhere, options...),
		route:  r,
	}
}

// localName is the name that goes into the history: user@host.
func localName() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return cmp.Or(name, "unknown") + "@" + host
}
