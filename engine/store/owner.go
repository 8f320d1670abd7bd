package store

// SocketPath is where the owner of a SQLite file serves the API.
func SocketPath(path string) (string, error) { return "", errUnbuilt }
