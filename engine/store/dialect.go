package store

type dialect interface{}
