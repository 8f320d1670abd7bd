# Made by lft, to be committed: it says that this folder owns its project, in every state it is applied to.
lineage = "rfcjs5aqij0vf1o5p44enejka1"
