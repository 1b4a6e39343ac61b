"""Retrieval: what methods of the service retrieval share.

A collection comes from `datasets.collections` (`CollectionDataset.collection`: `corpus`, `queries`, `judgements` by
split); what is here works on it:

===================  ==================================================================================================
module               what it gives
===================  ==================================================================================================
`text_encoder`       `TextEncoder(model, device).encode(texts, Role.QUERY)` -> (N, d) float32; `TextTokenizer` alone
                     needs no model; `TextEncoder.examples` are the held-out inputs that `JobContext.save_model` wants
`shards`             `encode_texts(encoder, count, texts, VectorShards(url))`: vectors on disk, resumed shard by shard
`exact`              `exact_search(queries, shards, ranks, k)`: all inner products with a running top k
`indexes`            `VectorIndex` and `FaissIndex` (flat, ivf, pq, opq, ivf_pq, hnsw); `load` maps the file into memory
`bm25`               `Bm25Index.build(texts)`, `.search(query, k, ranks)`, `.save`, `.load`
`cross_encoder`      `CrossEncoder(model, device).scores(pairs)`, `rerank(run, queries, corpus, scores, depth)`
`retrievers`         BM25, dense and sparse models over one collection behind one interface
`run`                `Ranked` hits, runs in TREC's format; `order.best` is the order of hits among ties
`fusion`             `reciprocal_rank_fusion`, `linear_fusion`
`measures`           `measure_run(run, judgements, names)`: per query and means, judged queries without results count 0
`comparison`         every model on every collection; `leaderboard`, `significance` and `charts` for what came out
===================  ==================================================================================================

`ranks` is `Corpus.descending()`: of equal scores the passage whose id comes last goes first, everywhere. A model with a
tokenizer in its `assets` is a text encoder; its signature is `tasks.ranking.encoder_io`. A model from a reference
(``hf:minilm``) and one from an artifact are used alike.
"""
