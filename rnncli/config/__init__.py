"""From a YAML file, `--set` options or a model file's header to one checked, frozen `Config`.

    loading         the way in: load_config, config_from_mapping, dump_config, over the schemas that are passed;
                    --set section.key=value, and paths relative to the folder a config stands in
    sections        the keys that all tasks have: types, defaults, ranges and one-line descriptions (pydantic)
    values          types of values that several keys have; durations
    yaml_document   YAML text to plain values, each with its line and column; what an unquoted word means
    explanations    pydantic's findings in our own words
    problems        mistakes gathered with their places, so that all are reported at once; did you mean ...?

No task's name stands here: `rnncli.tasks.registry` brings the schemas of all. Import the modules you need: this package
itself loads neither PyYAML nor pydantic, so `--help` stays fast.
"""
