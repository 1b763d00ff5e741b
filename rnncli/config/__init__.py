"""Configs: a YAML file, `--set` options or a model file's header become one checked, frozen `Config`.

    loading         the entry points load_config, config_from_mapping and dump_config, which are given the schemas;
                    --set section.key=value, and paths relative to the folder of a config
    section         what each section is made of; types of values
    sections        a whole config: its three sections, and tune
    data_section    the keys that tasks have in common, with types, defaults, ranges and one-line descriptions
                    (pydantic): of data; token_sections: of texts; model_section, training_section
    recordings      the keys of data that are recordings, and of the features that they become
    chosen          the keys that are null until the data choose them
    json_schema     the JSON Schema of all configs, for editors
    values          types of values that several keys have; durations
    text_encodings  which of Python's codecs are encodings of files
    yaml_document   YAML text to plain values, each with its line and column; the meaning of an unquoted word
    explanations    pydantic's findings in our own words
    problems        mistakes collected with their places, so that all are reported at once
    suggestions     did you mean ...? What a word that nobody knows was most likely meant to be

This package names no task: `rnncli.tasks.registry` provides the schemas of all. Import the modules you need: the
package itself loads neither PyYAML nor pydantic, so `--help` stays fast.
"""

import os

# Plugins of other packages have no say in configs, and looking for them takes a tenth of a short command's time.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
