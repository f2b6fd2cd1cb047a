// Package configs says what was asked for. It owns the schema of the configuration file, its defaults, the strict
// load and the validation. A [Config] is plain data, which does not change after [Load] has returned. Only the
// program's assembly reads it, and translates it into the options of the other rooms.
//
//	cfg, err := configs.Load("gateway.yaml", os.Environ())
//	if err != nil {
//		fmt.Fprintln(os.Stderr, err) // every problem at once, each with its place, its key and a remedy
//		os.Exit(2)
//	}
//
// A load goes through these steps, one file each:
//
//	syntax    bytes to a tree of YAML nodes
//	read      tree to plain values: unknown keys, duplicates, shapes and types are refused here, and places noted
//	env       STEELYARD_LOG_LEVEL and the like override the file's scalars
//	load      a new viper merges both and decodes them strictly, over the defaults
//	resolve   what follows from the rest: names, absolute file names, the route to the only upstream
//	validate  ranges, duplicates, references, files, loops
//	effect    notes on settings that change nothing, for [Examine]
//
// Reading comes before viper because viper forgives what should be refused: it lower-cases keys, drops empty values,
// converts types, and knows no lines.
//
// To add a key, add a field with its yaml tag to schema.go, its default to defaults.go, its limits to validate.go
// or one of its neighbours, and a row to REFERENCE.md; reading, printing and the environment follow from the schema.
// Names that users choose are values of a list's name key, never keys of a map: viper would change them.
package configs
