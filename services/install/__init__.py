"""What an installation on the production parts needs: secrets, certificates, configurations, made once."""
