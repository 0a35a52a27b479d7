<?xml version="1.0" encoding="UTF-8"?>
<!-- What codes of the header are called in French, when the document does not say it itself. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:r="urn:dmp-connector:render" exclude-result-prefixes="v3 r">

  <xsl:template match="@nullFlavor" mode="label">
    <xsl:choose>
      <xsl:when test=". = 'UNK'">inconnu</xsl:when>
      <xsl:when test=". = 'NASK'">non demandé</xsl:when>
      <xsl:when test=". = 'ASKU'">demandé, inconnu</xsl:when>
      <xsl:when test=". = 'NAV'">indisponible pour le moment</xsl:when>
      <xsl:when test=". = 'NA'">sans objet</xsl:when>
      <xsl:when test=". = 'MSK'">masqué</xsl:when>
      <xsl:when test=". = 'OTH'">autre</xsl:when>
      <xsl:otherwise>non renseigné</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:administrativeGenderCode" mode="label">
    <xsl:choose>
      <xsl:when test="@code = 'F'">Féminin</xsl:when>
      <xsl:when test="@code = 'M'">Masculin</xsl:when>
      <xsl:when test="@code = 'UN' or @code = 'U'">Indéterminé</xsl:when>
      <xsl:when test="@nullFlavor"><xsl:apply-templates select="@nullFlavor" mode="label"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="@code"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:confidentialityCode" mode="label">
    <xsl:choose>
      <xsl:when test="@code = 'N'">normale</xsl:when>
      <xsl:when test="@code = 'R'">restreinte</xsl:when>
      <xsl:when test="@code = 'V'">très restreinte</xsl:when>
      <xsl:when test="@displayName"><xsl:value-of select="@displayName"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="@code"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:participant" mode="role">
    <xsl:choose>
      <xsl:when test="v3:functionCode/@displayName"><xsl:value-of select="v3:functionCode/@displayName"/></xsl:when>
      <xsl:when test="v3:functionCode/@code = 'PCP'">Médecin traitant</xsl:when>
      <xsl:when test="@typeCode = 'REF' or @typeCode = 'REFB'">Adressé par</xsl:when>
      <xsl:when test="@typeCode = 'REFT'">Adressé à</xsl:when>
      <xsl:when test="@typeCode = 'INF'">Informateur</xsl:when>
      <xsl:when test="@typeCode = 'RESP'">Responsable</xsl:when>
      <xsl:when test="@typeCode = 'PRF'">Exécutant</xsl:when>
      <xsl:when test="@typeCode = 'CON'">Consultant</xsl:when>
      <xsl:when test="@typeCode = 'VRF'">Vérificateur</xsl:when>
      <xsl:otherwise>Participant</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:encounterParticipant" mode="role">
    <xsl:choose>
      <xsl:when test="@typeCode = 'ADM'">Admission par</xsl:when>
      <xsl:when test="@typeCode = 'ATND'">Pris en charge par</xsl:when>
      <xsl:when test="@typeCode = 'CON'">Consultant</xsl:when>
      <xsl:when test="@typeCode = 'DIS'">Sortie décidée par</xsl:when>
      <xsl:when test="@typeCode = 'REF'">Adressé par</xsl:when>
      <xsl:otherwise>Responsable</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:relatedEntity" mode="role">
    <xsl:choose>
      <xsl:when test="@classCode = 'ECON'">Personne à prévenir en cas d'urgence</xsl:when>
      <xsl:when test="@classCode = 'NOK'">Personne de confiance</xsl:when>
      <xsl:when test="@classCode = 'CAREGIVER'">Aidant</xsl:when>
      <xsl:when test="@classCode = 'PAT'">Patient</xsl:when>
      <xsl:otherwise>Contact</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:statusCode" mode="label">
    <xsl:choose>
      <xsl:when test="@code = 'active'">en cours</xsl:when>
      <xsl:when test="@code = 'completed'">terminé</xsl:when>
      <xsl:when test="@code = 'aborted'">interrompu</xsl:when>
      <xsl:when test="@code = 'cancelled'">annulé</xsl:when>
      <xsl:when test="@code = 'suspended'">suspendu</xsl:when>
      <xsl:otherwise><xsl:value-of select="@code"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- what it is, the number, where it rings -->
  <xsl:template match="v3:telecom" mode="line">
    <xsl:variable name="kind" select="substring-before(@value, ':')"/>
    <xsl:if test="@value">
      <div class="line">
        <xsl:choose>
          <xsl:when test="$kind = 'tel'">Tél. </xsl:when>
          <xsl:when test="$kind = 'fax'">Télécopie </xsl:when>
          <xsl:when test="$kind = 'mailto'">Courriel </xsl:when>
        </xsl:choose>
        <xsl:choose>
          <xsl:when test="$kind = 'tel' or $kind = 'fax' or $kind = 'mailto'">
            <xsl:value-of select="substring-after(@value, ':')"/>
          </xsl:when>
          <xsl:otherwise><xsl:value-of select="@value"/></xsl:otherwise>
        </xsl:choose>
        <xsl:choose>
          <xsl:when test="@use = 'H' or @use = 'HP'"> (domicile)</xsl:when>
          <xsl:when test="@use = 'HV'"> (vacances)</xsl:when>
          <xsl:when test="@use = 'WP'"> (professionnel)</xsl:when>
          <xsl:when test="@use = 'DIR'"> (ligne directe)</xsl:when>
          <xsl:when test="@use = 'MC'"> (mobile)</xsl:when>
          <xsl:when test="@use = 'EC'"> (urgence)</xsl:when>
        </xsl:choose>
      </div>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
