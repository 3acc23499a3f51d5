"""The Indonesian BERT that everything is fine-tuned from, made of published weights without a model hub."""
