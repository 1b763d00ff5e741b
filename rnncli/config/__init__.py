"""From a YAML file, `--set` options or a model file's header to one checked, frozen `Config`.

    loading         the way in: load_config, config_from_mapping, dump_config, over the schemas that are passed
    sections        the keys that all tasks have: types, defaults, ranges and one-line descriptions (pydantic)
    values          types of values that several keys have
    yaml_document   YAML text to plain values, each with its line and column; the YAML traps are closed here
    scalars         what an unquoted word means: null, true, 1e-3, or just text
    overrides       --set section.key=value
    explanations    pydantic's findings in our own words
    problems        mistakes gathered with their places, so that all are reported at once
    suggestions     did you mean ...?
    paths           data paths relative to the folder a config stands in
    durations       8s, 10m, 1h30m

No task's name stands here: `rnncli.tasks.configs` brings the schemas of all. Import the modules you need: this package
itself loads neither PyYAML nor pydantic, so `--help` stays fast.
"""
