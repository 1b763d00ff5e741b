"""A page on runs, in HTML: one file without scripts that loads nothing, for a screen, a phone and paper.

html     the elements that a page is made of; all text is escaped here
style    how it looks, light and dark
room     what there is room for
runs     the page: verdict, score beside its baselines, pictures, config, provenance
"""
